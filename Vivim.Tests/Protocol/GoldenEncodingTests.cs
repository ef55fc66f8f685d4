using System.Text;
using Vivim.Ledger.Execution;
using Vivim.Ledger.State;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.State;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Protocol;

/// <summary>
/// The bytes of every encoding, written down: a change of one of these is another format, and needs another version. docs/spec/encoding.md
/// shows the same examples, so that other implementations can check themselves.
/// </summary>
public sealed class GoldenEncodingTests
{
    private const string Golden = """
        did:key: 01d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac4
        did:vivim: 027bfd2a65b784d27dcfa4a85103fea875f3bdc973b0e6abf0cf127573ed4adb6e
        registration body: 0a0a766976696d2d7465737412386469643a6b65793a7a364d6b74716534633772483350576f574548557a4b7476444843744455735666394a6b5a5241376e5a683969324644206452740a386469643a6b65793a7a364d6b74716534633772483350576f574548557a4b7476444843744455735666394a6b5a5241376e5a68396932464412386469643a6b65793a7a364d6b744d526e454473365959434c7a6b5a6955754e47336332513231677a45785567466f4d4d3558436f514c5445
        registration signing frame: 0014766976696d2f7472616e73616374696f6e2f7631000a766976696d2d746573740a0a766976696d2d7465737412386469643a6b65793a7a364d6b74716534633772483350576f574548557a4b7476444843744455735666394a6b5a5241376e5a683969324644206452740a386469643a6b65793a7a364d6b74716534633772483350576f574548557a4b7476444843744455735666394a6b5a5241376e5a68396932464412386469643a6b65793a7a364d6b744d526e454473365959434c7a6b5a6955754e47336332513231677a45785567466f4d4d3558436f514c5445
        registration id: 61411fa05f5bac54e1112d40175b1fef51adee0621f995dc1566145d99641635
        registration envelope: 000000be0a0a766976696d2d7465737412386469643a6b65793a7a364d6b74716534633772483350576f574548557a4b7476444843744455735666394a6b5a5241376e5a683969324644206452740a386469643a6b65793a7a364d6b74716534633772483350576f574548557a4b7476444843744455735666394a6b5a5241376e5a68396932464412386469643a6b65793a7a364d6b744d526e454473365959434c7a6b5a6955754e47336332513231677a45785567466f4d4d3558436f514c5445d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac487ebdf5c68a3393617efca61cd37213b0c89bd994a4397a91fdd0e4cfa9ff7838db23aee44520bb37b9ca47c118f75b56761bf26e63cea0da8e2805fde5e3e08
        follow body: 0a0a766976696d2d74657374123f6469643a766976696d3a6270703673757a6e7871746a683374356576626971683776696f787a3333736c747764746b78346770636a327868336b6b336e7861180720ac025a410a3f6469643a766976696d3a627032703462726e65357472647470706a71727967636a737a6e6d656e7477726c6a726e65793370746d6d346c7679656332677071
        follow id: 910d4d3477932f5224304cb1a94bd17041abb9c6ef8efd3b7de015fc4d498cc6
        follow envelope: 000000950a0a766976696d2d74657374123f6469643a766976696d3a6270703673757a6e7871746a683374356576626971683776696f787a3333736c747764746b78346770636a327868336b6b336e7861180720ac025a410a3f6469643a766976696d3a627032703462726e65357472647470706a71727967636a737a6e6d656e7477726c6a726e65793370746d6d346c7679656332677071d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac4b806dacb8af9140a2e5209cb0b679e22c58b3aa1a79fd51777e34834b24ae66ff2e7f99c90d957b6dd08f6618eb515529f3a8d77ac4874c3f383cc2c6779b20a
        propose validator change body: 0a0a766976696d2d7465737412386469643a6b65793a7a364d6b68317841666974794766784e6263616369617935356f7644643175784e44676b5650565535517a6645356d45180320ac026a3c0a386469643a6b65793a7a364d6b765054615a594e627a52354e696b4341413158635a4d334d583534594558534b474337336267476a557166521005
        approve validator change body: 0a0a766976696d2d7465737412386469643a6b65793a7a364d6b74716534633772483350576f574548557a4b7476444843744455735666394a6b5a5241376e5a683969324644180420ac02725c0a386469643a6b65793a7a364d6b68317841666974794766784e6263616369617935356f7644643175784e44676b5650565535517a6645356d45122003d6843f5ac7ebc76e1c5aa7bd294dcce335a03e83a30d59d98bdf8591de7b24
        receipt: 0bf474896363505e5ea5e5d6ace8ebfb13a760a409b1fb467d428fc716f9f28400000000000000050000000300050000
        event: 0000000000000005000000020002027bfd2a65b784d27dcfa4a85103fea875f3bdc973b0e6abf0cf127573ed4adb6e027e9fc0c5a4ece239bde984706126596b08d9da2b4c5a4c6df36338bae082d19f0bf474896363505e5ea5e5d6ace8ebfb13a760a409b1fb467d428fc716f9f284
        header: 000100000001000a766976696d2d746573740000000000000005000000010000018bcfe56800e47125968b3b71049fbc4802d1e40a71ea1359decfabacf70b34588037d4ff0cfcd972a402f3c61f17dd39e63a40550ea2fda3fa52c1ed422ea6237cab9f55351b29b5dfb252af89a3b6d32d3db65a834d001139c6662819aec001c4f935b0391b29b5dfb252af89a3b6d32d3db65a834d001139c6662819aec001c4f935b0392617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085de3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8556a361a742b06bb53dcfc3e6e38a95019426646bfda028a2b45a4dce01efcd3cb4ba69735ca53765ed6a709edb56c6ea236b7193a3b29a6b390c346f0f4340e4ee3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
        block id: 905b7da3a24619806b23b044baafa2cc2e9465932ebd8a6a65efbd723fe2d61c
        block: 000100000001000a766976696d2d746573740000000000000005000000010000018bcfe56800e47125968b3b71049fbc4802d1e40a71ea1359decfabacf70b34588037d4ff0cfcd972a402f3c61f17dd39e63a40550ea2fda3fa52c1ed422ea6237cab9f55351b29b5dfb252af89a3b6d32d3db65a834d001139c6662819aec001c4f935b0391b29b5dfb252af89a3b6d32d3db65a834d001139c6662819aec001c4f935b0392617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085de3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8556a361a742b06bb53dcfc3e6e38a95019426646bfda028a2b45a4dce01efcd3cb4ba69735ca53765ed6a709edb56c6ea236b7193a3b29a6b390c346f0f4340e4ee3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85500000002000000be0a0a766976696d2d7465737412386469643a6b65793a7a364d6b74716534633772483350576f574548557a4b7476444843744455735666394a6b5a5241376e5a683969324644206452740a386469643a6b65793a7a364d6b74716534633772483350576f574548557a4b7476444843744455735666394a6b5a5241376e5a68396932464412386469643a6b65793a7a364d6b744d526e454473365959434c7a6b5a6955754e47336332513231677a45785567466f4d4d3558436f514c5445d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac487ebdf5c68a3393617efca61cd37213b0c89bd994a4397a91fdd0e4cfa9ff7838db23aee44520bb37b9ca47c118f75b56761bf26e63cea0da8e2805fde5e3e08000000950a0a766976696d2d74657374123f6469643a766976696d3a6270703673757a6e7871746a683374356576626971683776696f787a3333736c747764746b78346770636a327868336b6b336e7861180720ac025a410a3f6469643a766976696d3a627032703462726e65357472647470706a71727967636a737a6e6d656e7477726c6a726e65793370746d6d346c7679656332677071d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac4b806dacb8af9140a2e5209cb0b679e22c58b3aa1a79fd51777e34834b24ae66ff2e7f99c90d957b6dd08f6618eb515529f3a8d77ac4874c3f383cc2c6779b20a0000000101000000000000000500000001002617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085d742bcc6925fb32c227f4ccc14b08cd1c38b06b36e694d0feecec62f478e9efb2873cdcedcfdd66a9b083c82a92d39b65243ad80869ba5a1139824ab951172c0301000000000000000500000001017692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed2617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085d13a4698cc721d6b03e0a1bf5b00b1b6b15acbad8bb79aa260831d719c7f5a83af430e6a0d03892884c171fce8d9a83fbce65d79714c33788d624e705cb9dc308010000000000000004000000000bf474896363505e5ea5e5d6ace8ebfb13a760a409b1fb467d428fc716f9f284000000020000ac5da4c9f1670914125e0fc25b84f08f051e2c9ddfa39622f373f651ab23e0e31fcf66d130c68ec65f5a2af31c2505b64b96dacd1a54b6810f4037912749b90f0102742bcc6925fb32c227f4ccc14b08cd1c38b06b36e694d0feecec62f478e9efb2873cdcedcfdd66a9b083c82a92d39b65243ad80869ba5a1139824ab951172c03
        prevote signed bytes: 000d766976696d2f766f74652f7631000a766976696d2d746573740100000000000000050000000100
        prevote: 01000000000000000500000001002617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085d742bcc6925fb32c227f4ccc14b08cd1c38b06b36e694d0feecec62f478e9efb2873cdcedcfdd66a9b083c82a92d39b65243ad80869ba5a1139824ab951172c03
        precommit signed bytes: 000d766976696d2f766f74652f7631000a766976696d2d7465737402000000000000000500000001010bf474896363505e5ea5e5d6ace8ebfb13a760a409b1fb467d428fc716f9f284
        precommit: 02000000000000000500000001010bf474896363505e5ea5e5d6ace8ebfb13a760a409b1fb467d428fc716f9f2842617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085dac5da4c9f1670914125e0fc25b84f08f051e2c9ddfa39622f373f651ab23e0e31fcf66d130c68ec65f5a2af31c2505b64b96dacd1a54b6810f4037912749b90f
        proposal: 000000000000000500000001ffffffff0bf474896363505e5ea5e5d6ace8ebfb13a760a409b1fb467d428fc716f9f2842617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085dd7e28d938b69b73c2d1308cfca902ea2b01693841e8e56e74ed111c6effdb70a9e7b6e1d3e97c350705a3da86c869fa19e9915889cbdee809be36d4f90820104
        certificate: 0000000000000004000000000bf474896363505e5ea5e5d6ace8ebfb13a760a409b1fb467d428fc716f9f284000000020000ac5da4c9f1670914125e0fc25b84f08f051e2c9ddfa39622f373f651ab23e0e31fcf66d130c68ec65f5a2af31c2505b64b96dacd1a54b6810f4037912749b90f0102742bcc6925fb32c227f4ccc14b08cd1c38b06b36e694d0feecec62f478e9efb2873cdcedcfdd66a9b083c82a92d39b65243ad80869ba5a1139824ab951172c03
        certificate hash: 6a361a742b06bb53dcfc3e6e38a95019426646bfda028a2b45a4dce01efcd3cb
        validator set: 000000022617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085d000000000000000ad5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac40000000000000001
        validator set hash: 1b29b5dfb252af89a3b6d32d3db65a834d001139c6662819aec001c4f935b039
        evidence: 01000000000000000500000001002617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085d742bcc6925fb32c227f4ccc14b08cd1c38b06b36e694d0feecec62f478e9efb2873cdcedcfdd66a9b083c82a92d39b65243ad80869ba5a1139824ab951172c0301000000000000000500000001017692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed2617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085d13a4698cc721d6b03e0a1bf5b00b1b6b15acbad8bb79aa260831d719c7f5a83af430e6a0d03892884c171fce8d9a83fbce65d79714c33788d624e705cb9dc308
        parameters: 000003e8000075300080000000004e2000001000000007d000000064000027100000040000002710000186a0
        genesis hash: 4bf18f826024364b4c6b2601be8862d8feead5616dbe958c8391eddd0807a4e8
        account: 00000000000000090000000000000003000000080001117000000002
        identity: d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac4000000000000000502ecc1b58727f3f12b3194881a9ecb9de0b28ce7b207230d8e930fe1bce75e256c2617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085d
        edge: 000000000000000500000002
        registrations: 000000000000000300000004
        proposal of a validator change: 03d6843f5ac7ebc76e1c5aa7bd294dcce335a03e83a30d59d98bdf8591de7b24ecc1b58727f3f12b3194881a9ecb9de0b28ce7b207230d8e930fe1bce75e256c00000000000000050000000000000006000000022617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085dd5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac4
        heights of validator sets: 0000000200000000000000010000000000000007
        validator set with priorities: 000000022617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085d000000000000000ad5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac40000000000000001ffffffffffffffff0000000000000001
        rules-version key: 72
        parameters key: 70
        validators key: 76
        validators from 7 key: 760000000000000007
        proposal key: 67d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac4
        evidence key: 652617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085d00000000000000050000000101
        jail key: 6ad5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac4
        registrations key: 77
        did:key account key: 6101d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac4
        did:vivim account key: 61027bfd2a65b784d27dcfa4a85103fea875f3bdc973b0e6abf0cf127573ed4adb6e
        identity key: 697bfd2a65b784d27dcfa4a85103fea875f3bdc973b0e6abf0cf127573ed4adb6e
        signing key key: 6bd5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac4
        edge key: 667e9fc0c5a4ece239bde984706126596b08d9da2b4c5a4c6df36338bae082d19f7bfd2a65b784d27dcfa4a85103fea875f3bdc973b0e6abf0cf127573ed4adb6e
        existence proof: 01000000226101d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac40000001c000000000000000100000000000000000000000100000000000000000002009d2db11254ba7edc14986449071bdc1e2b3c292c37bd938c1f646766a5fa39b596e9ce15ea3842c9c81afec1df90c05cf31029f2cf45b32153b2a3834a8c3090
        absence proof: 020000002261027e9fc0c5a4ece239bde984706126596b08d9da2b4c5a4c6df36338bae082d19f0300000001700000002c000003e8000075300080000000004e2000001000000007d000000064000027100000040000002710000186a0000440bacaf1bf18fa000ed0c0ea6135af1aa7929d05b6b8418548dd73814c7eb8703f1ad74a56954d239ddeacf80189567144e9439136f9049146d810059ea04e241dd38326c8941263f082973af74da48bb3d885e11ff014bccd1d11b047a8f7234a0000000976000000000000000100000034000000012617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085d000000000000000a0000000000000000000610cb6df1aa8f148987fc57cd020bd2bc6289b2493b947967508b8fc592a32dd7d9e6e02ef7567f29dcf2b66986ae8d65b1a9c3e17550de3923fb2a1c945c541612800bda9a50201fd405c70e5728bc31c61801c832ef38119b42cad7e4635e406801497bcb0a67265d932763ef9526e0a21bb7e01288bea5cf8ff0ae2ea7ef0bb4d38326c8941263f082973af74da48bb3d885e11ff014bccd1d11b047a8f7234a
        proof file: 564956494d505246000100000001000a766976696d2d746573740000000000000002000000000000018bcfe56fd02de41084a449deff565d281565b63128c9c906ae51013f2782af7322b47fb2c9e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855169ec52e5c14ba18508c4685bca972f64fe4b0917462677f886d865955fb5c02169ec52e5c14ba18508c4685bca972f64fe4b0917462677f886d865955fb5c022617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085de3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85555b2d7069adad971012b98e7d4add1210a9bd19ee128ba0344efd7f68e73a6da3cbe27d3d5a74223851c2dd8b099c0c7ff994129731cbc524bbd68f611c20acd9cf617976ec1e7cb3d8bd4128c667c097e8b048aa9c73db002895af844a93b301c1a065002d67a9453376877cf0604618df0ed0832209a27d24f5d3a0621cfc400000000000000020000000004cd397c21b33f77c957fec04922215b07917552595e34b4fc11991c3d52c125000000010000e7c310848d832410c9928c547876f80011e01686c83d1b9436a86674e2ef63b41be8fe70e1bd56192498c3875ba1e27e5e86e144dc5c516422a15953cecc5e0300000000000000030101000000226101d5bf4a3fcce717b0388bcc2749ebc148ad9969b23f45ee1b605fd58778576ac40000001c000000000000000100000000000000000000000100000000000000000002009d2db11254ba7edc14986449071bdc1e2b3c292c37bd938c1f646766a5fa39b596e9ce15ea3842c9c81afec1df90c05cf31029f2cf45b32153b2a3834a8c309001020000002261027e9fc0c5a4ece239bde984706126596b08d9da2b4c5a4c6df36338bae082d19f0300000001700000002c000003e8000075300080000000004e2000001000000007d000000064000027100000040000002710000186a0000440bacaf1bf18fa000ed0c0ea6135af1aa7929d05b6b8418548dd73814c7eb8703f1ad74a56954d239ddeacf80189567144e9439136f9049146d810059ea04e241dd38326c8941263f082973af74da48bb3d885e11ff014bccd1d11b047a8f7234a0000000976000000000000000100000034000000012617536b5028fe5460f629760fd2cc153de8127963f59db888016f21efee085d000000000000000a0000000000000000000610cb6df1aa8f148987fc57cd020bd2bc6289b2493b947967508b8fc592a32dd7d9e6e02ef7567f29dcf2b66986ae8d65b1a9c3e17550de3923fb2a1c945c541612800bda9a50201fd405c70e5728bc31c61801c832ef38119b42cad7e4635e406801497bcb0a67265d932763ef9526e0a21bb7e01288bea5cf8ff0ae2ea7ef0bb4d38326c8941263f082973af74da48bb3d885e11ff014bccd1d11b047a8f7234a0261411fa05f5bac54e1112d40175b1fef51adee0621f995dc1566145d996416350000000000000001000000000000000100000002012de1c4439766230a0379c039e287209db53f6352c7a1792e43c44ab06b04cbb26eb983c2583b143fc6811450c273ac67ae73b6ba572f094bf4bc98ba05fd46f3
        change set: 00000002000000010100000000020102010000000103
        """;

    private static readonly Dictionary<string, string> Expected = Golden.Split('\n').Select(line => line.Split(": ")).ToDictionary(line => line[0], line => line[1]);

    private static readonly Dictionary<string, byte[]> Actual = new()
    {
        ["did:key"] = Examples.Encode(Examples.Alice.KeyDid.Encode),
        ["did:vivim"] = Examples.Encode(Examples.Alice.Did.Encode),
        ["registration body"] = Examples.Registration.Body.ToArray(),
        ["registration signing frame"] = SigningDomain.Transaction.Frame(TestChain.ChainId, Examples.Registration.Body.Span),
        ["registration id"] = Examples.Registration.IdOn(TestChain.ChainId).ToArray(),
        ["registration envelope"] = Examples.Encode(Examples.Registration.Encode),
        ["follow body"] = Examples.Follow.Body.ToArray(),
        ["follow id"] = Examples.Follow.IdOn(TestChain.ChainId).ToArray(),
        ["follow envelope"] = Examples.Encode(Examples.Follow.Encode),
        ["propose validator change body"] = Examples.Proposing.Body.ToArray(),
        ["approve validator change body"] = Examples.Approving.Body.ToArray(),
        ["receipt"] = Examples.Encode(Examples.Receipt.Encode),
        ["event"] = Examples.Encode(Examples.Event.Encode),
        ["header"] = Examples.Encode(Examples.Header.Encode),
        ["block id"] = Examples.Block.Id.ToArray(),
        ["block"] = Examples.Block.ToBytes(),
        ["prevote signed bytes"] = Vote.SignedBytes(VoteType.Prevote, 5, 1, blockId: null, TestChain.ChainId),
        ["prevote"] = Examples.Encode(Examples.Prevote.Encode),
        ["precommit signed bytes"] = Vote.SignedBytes(VoteType.Precommit, 5, 1, Examples.Digest, TestChain.ChainId),
        ["precommit"] = Examples.Encode(Examples.Precommit.Encode),
        ["proposal"] = Examples.Encode(Examples.Proposal.Encode),
        ["certificate"] = Examples.Certificate.ToBytes(),
        ["certificate hash"] = Examples.Certificate.Hash.ToArray(),
        ["validator set"] = Examples.Encode(Examples.Validators.Encode),
        ["validator set hash"] = Examples.Validators.Hash.ToArray(),
        ["evidence"] = Examples.Encode(Examples.Evidence.Encode),
        ["parameters"] = Examples.Encode(Examples.Genesis.Parameters.Encode),
        ["genesis hash"] = Examples.Genesis.Hash.ToArray(),
        ["account"] = Examples.Account.ToBytes(),
        ["identity"] = Examples.Identity.ToBytes(),
        ["edge"] = Examples.Edge.ToBytes(),
        ["registrations"] = new RegistrationCount(3, 4).ToBytes(),
        ["proposal of a validator change"] = Examples.ValidatorProposal.ToBytes(),
        ["heights of validator sets"] = Examples.Schedule[StateKey.Validators]!,
        ["validator set with priorities"] = Examples.Schedule[StateKey.ValidatorsFrom(7)]!,
        ["rules-version key"] = StateKey.RulesVersion,
        ["parameters key"] = StateKey.Parameters,
        ["validators key"] = StateKey.Validators,
        ["validators from 7 key"] = StateKey.ValidatorsFrom(7),
        ["proposal key"] = StateKey.Proposal(Examples.Alice.Key.PublicKey),
        ["evidence key"] = StateKey.Evidence(Examples.Evidence.First),
        ["jail key"] = StateKey.Jail(Examples.Alice.Key.PublicKey),
        ["registrations key"] = StateKey.Registrations,
        ["did:key account key"] = StateKey.Account(Examples.Alice.KeyDid),
        ["did:vivim account key"] = StateKey.Account(Examples.Alice.Did),
        ["identity key"] = StateKey.Identity(Examples.Alice.Did),
        ["signing key key"] = StateKey.SigningKey(Examples.Alice.Key.PublicKey),
        ["edge key"] = StateKey.Edge(Examples.Alice.Did, Examples.Bob.Did),
        ["existence proof"] = Examples.Encode(((ProofEntry.State)Examples.ProofFile.Entries[0]).Proof.Encode),
        ["absence proof"] = Examples.Encode(((ProofEntry.State)Examples.ProofFile.Entries[1]).Proof.Encode),
        ["proof file"] = Examples.ProofFile.ToBytes(),
        ["change set"] = WriteSet.Encode(Examples.Changes),
    };

    public static TheoryData<string> Names => [.. Actual.Keys.Union(Expected.Keys)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_bytes_are_these(string name) => Assert.Equal((name, Expected[name]), (name, Convert.ToHexStringLower(Actual[name])));

    [Fact]
    public void The_specification_shows_every_example()
    {
        var document = File.ReadAllText(Repository.PathOf("docs", "spec", "encoding.md"));
        Assert.All(Expected, example => Assert.Contains($"{example.Key}\n{example.Value}\n", document, StringComparison.Ordinal));
    }

    [Fact]
    public void The_examples_hold()
    {
        Assert.True(Examples.Registration.SignatureVerifies(TestChain.ChainId));
        Assert.True(Examples.Prevote.SignatureVerifies(TestChain.ChainId, Ed25519Scheme.Instance));
        Assert.True(Examples.Proposal.SignatureVerifies(TestChain.ChainId, Ed25519Scheme.Instance));
        Assert.Equal(Hash256.Of(Examples.Encode(Examples.Header.Encode)), Examples.Block.Id);
        Examples.ProofFile.Verify(Examples.Genesis);
    }

    [Fact]
    public void A_signature_for_one_purpose_or_chain_stands_for_no_other()
    {
        var frames = new[] { SigningDomain.Transaction, SigningDomain.Proposal, SigningDomain.Vote, SigningDomain.CallerToken }.SelectMany(domain => new[] { "a", "ab" }.Select(chain => domain.Frame(chain, "bc"u8))).ToList();
        Assert.Equal(8, frames.Distinct(KeyComparer.Instance).Count());
        Assert.NotEqual(SigningDomain.Vote.Frame("a", "bc"u8), SigningDomain.Vote.Frame("ab", "c"u8));
        Assert.False((Examples.Precommit with { Type = VoteType.Prevote }).SignatureVerifies(TestChain.ChainId, Ed25519Scheme.Instance));
        Assert.False((Examples.Precommit with { BlockId = null }).SignatureVerifies(TestChain.ChainId, Ed25519Scheme.Instance));
        Assert.False((Examples.Precommit with { Height = 6 }).SignatureVerifies(TestChain.ChainId, Ed25519Scheme.Instance));
        Assert.False((Examples.Precommit with { Round = 2 }).SignatureVerifies(TestChain.ChainId, Ed25519Scheme.Instance));
        Assert.False(Examples.Precommit.SignatureVerifies("other", Ed25519Scheme.Instance));
        Assert.False((Examples.Proposal with { ValidRound = 0 }).SignatureVerifies(TestChain.ChainId, Ed25519Scheme.Instance));
        Assert.False((Examples.Proposal with { Round = 0 }).SignatureVerifies(TestChain.ChainId, Ed25519Scheme.Instance));
        Assert.False((Examples.Proposal with { BlockId = Hash256.Zero }).SignatureVerifies(TestChain.ChainId, Ed25519Scheme.Instance));
    }

    [Fact]
    public void Every_state_key_says_in_words_what_it_is_of()
    {
        var (alice, bob) = (Examples.Alice, Examples.Bob);
        Assert.Equal($"{alice.Did} follows {bob.Did}", StateKey.Describe(StateKey.Edge(alice.Did, bob.Did)));
        Assert.Equal((alice.Did, bob.Did), StateKey.ParseEdge(StateKey.Edge(alice.Did, bob.Did)));
        Assert.True(StateKey.Edge(alice.Did, bob.Did).AsSpan().StartsWith(StateKey.FollowersPrefix(bob.Did)));
        Assert.Equal($"account of {alice.KeyDid}", StateKey.Describe(StateKey.Account(alice.KeyDid)));
        Assert.Equal($"identity {alice.Did}", StateKey.Describe(StateKey.Identity(alice.Did)));
        Assert.Equal($"identity of {alice.KeyDid}", StateKey.Describe(StateKey.SigningKey(alice.Key.PublicKey)));
        Assert.Equal("state key 72", StateKey.Describe(StateKey.RulesVersion));
        Assert.Throws<ArgumentException>(() => StateKey.Edge(alice.KeyDid, bob.Did));
        Assert.Throws<MalformedException>(() => StateKey.ParseEdge(StateKey.Account(alice.Did)));
    }
}
