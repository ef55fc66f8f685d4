#:project ../Vivim.Client
// Two people meet: sign, submit, await the event, verify its proof. Needs a node: dotnet run --project Vivim.Gateway
using Vivim.Client;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

using var client = VivimClient.Connect();
using var annsKey = SigningKey.Generate();
using var bobsKey = SigningKey.Generate();
var (ann, bob) = (client.As(annsKey), client.As(bobsKey));
await Task.WhenAll(ann.RegisterAsync(), bob.RegisterAsync());

var receipt = await ann.FollowAsync(bob.Did);
await foreach (var happened in client.EventsAsync(new EventCursor(receipt.Height, 0), authors: [ann.Did]))
{
    if (happened.TransactionId == receipt.TransactionId) Console.WriteLine($"{happened.Cursor} {happened.Type} {happened.Actor} -> {happened.Subject}");
}

await client.AwaitCertifiedAsync();
var edge = await client.ProveEdgeAsync(ann.Did, bob.Did, await client.GetGenesisAsync());
Console.WriteLine($"Proven at height {edge.Height}, in {edge.Proof.Length} bytes: ann {(edge.Exists ? "follows" : "does not follow")} bob since {edge.Since}");
