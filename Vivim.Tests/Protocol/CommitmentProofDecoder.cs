using Google.Protobuf;
using Vivim.Protocol.Proofs.Ics23;

namespace Vivim.Tests.Protocol;

/// <summary>Reads as much of cosmos/ics23's proofs.proto as the public proofs use.</summary>
internal static class CommitmentProofDecoder
{
    /// <summary>A CommitmentProof: field 1 proves existence, field 2 absence.</summary>
    public static (ExistenceProof? Exists, NonExistenceProof? Absent) Decode(byte[] proof)
    {
        var fields = Fields(proof);
        return fields[0].Number == 1 ? (Existence(fields[0].Bytes), null) : (null, NonExistence(fields[0].Bytes));
    }

    private static NonExistenceProof NonExistence(byte[] message)
    {
        var fields = Fields(message);
        return new NonExistenceProof(Neighbour(2), Neighbour(3));

        ExistenceProof? Neighbour(int number) => fields.Exists(field => field.Number == number) ? Existence(BytesOf(fields, number)) : null;
    }

    private static ExistenceProof Existence(byte[] message)
    {
        var fields = Fields(message);
        return new ExistenceProof(BytesOf(fields, 1), BytesOf(fields, 2), Leaf(BytesOf(fields, 3)), [.. fields.Where(field => field.Number == 4).Select(field => Inner(field.Bytes))]);
    }

    private static LeafOp Leaf(byte[] message)
    {
        var fields = Fields(message);
        return new LeafOp((HashOp)NumberOf(fields, 1), (HashOp)NumberOf(fields, 2), (HashOp)NumberOf(fields, 3), (LengthOp)NumberOf(fields, 4), BytesOf(fields, 5));
    }

    private static InnerOp Inner(byte[] message)
    {
        var fields = Fields(message);
        return new InnerOp((HashOp)NumberOf(fields, 1), BytesOf(fields, 2), BytesOf(fields, 3));
    }

    private static int NumberOf(List<(int Number, int Value, byte[] Bytes)> fields, int number) => fields.Find(field => field.Number == number).Value;

    private static byte[] BytesOf(List<(int Number, int Value, byte[] Bytes)> fields, int number) => fields.Find(field => field.Number == number).Bytes ?? [];

    private static List<(int Number, int Value, byte[] Bytes)> Fields(byte[] message)
    {
        var fields = new List<(int, int, byte[])>();
        using var input = new CodedInputStream(message);
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            var number = WireFormat.GetTagFieldNumber(tag);
            if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.Varint) fields.Add((number, input.ReadInt32(), []));
            else fields.Add((number, 0, input.ReadBytes().ToByteArray()));
        }

        return fields;
    }
}
