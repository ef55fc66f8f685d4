using Npgsql;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;

namespace Vivim.Gateway.Clustering;

/// <summary>What an operator is told when the shared database cannot be used.</summary>
internal static class DatabaseRefusal
{
    public static StartException Of(DatabaseSettings database, NpgsqlException failure) => new($"the database {database} cannot be used: {failure.Message.ReplaceLineEndings(" ").TrimEnd('.')}; {Advice(failure)}");

    private static string Advice(NpgsqlException failure) => (failure as PostgresException)?.SqlState switch
    {
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => "check vivim.database.user, and vivim.database.password-file or the environment variable VIVIM_DATABASE_PASSWORD",
        PostgresErrorCodes.InvalidCatalogName => "check vivim.database.name: the database must exist",
        _ => "check vivim.database.host and vivim.database.port, and that PostgreSQL runs there",
    };
}
