using Vivim.Client;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary>Waits until a member that was told to leave is gone, reporting each step of it.</summary>
internal sealed class Departure(ClusterOperator operation, Terminal terminal)
{
    /// <summary>Longer than a node takes to hand over everything.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);

    /// <summary>Returns the member as removed.</summary>
    /// <exception cref="CommandFailedException">STILL_LEAVING: it takes longer than 90 s.</exception>
    public async Task<V1.Member> WaitAsync(V1.Member leaving, CancellationToken cancellationToken)
    {
        terminal.Remark($"{leaving.Address} is {ClusterCommands.StatusOf(leaving)}");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            for (var last = leaving; ;)
            {
                await Task.Delay(Poll, limit.Token);
                if (await FindAsync(last, limit.Token) is not { } member) return new V1.Member(last) { Status = V1.MemberStatus.Removed };
                if (member.Status != last.Status) terminal.Remark($"{member.Address} is {ClusterCommands.StatusOf(member)}");
                last = member;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandFailedException("STILL_LEAVING", $"{leaving.Address} has not left within {Limit.TotalSeconds} s: look again with vivim cluster show, and if it cannot be reached: vivim cluster down {leaving.Address}");
        }
    }

    /// <summary>The member in this life of it, as it is now; null when it is gone. When nobody answers, the asked node is gone where it is the one to leave.</summary>
    private async Task<V1.Member?> FindAsync(V1.Member last, CancellationToken cancellationToken)
    {
        try
        {
            var members = (await operation.ShowAsync(cancellationToken)).Members;
            return members.FirstOrDefault(member => member.Address == last.Address && member.Uid == last.Uid);
        }
        catch (VivimException e) when (e.OutcomeUnknown)
        {
            return last.IsSelf ? null : last;
        }
    }
}
