# The node and the command line. Build from the checkout: docker build -t vivim .
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /src
# Packages change seldom: restored from the project files alone, they stay a layer of their own.
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY Vivim.Protocol/Vivim.Protocol.csproj Vivim.Protocol/
COPY Vivim.Ledger/Vivim.Ledger.csproj Vivim.Ledger/
COPY Vivim.Client/Vivim.Client.csproj Vivim.Client/
COPY Vivim.Actors/Vivim.Actors.csproj Vivim.Actors/
COPY Vivim.Chain/Vivim.Chain.csproj Vivim.Chain/
COPY Vivim.Gateway/Vivim.Gateway.csproj Vivim.Gateway/
COPY Vivim.Cli/Vivim.Cli.csproj Vivim.Cli/
RUN dotnet restore Vivim.Gateway && dotnet restore Vivim.Cli
COPY . .
# Analyzers judge the source where it is written and tested; here they would only take time.
RUN dotnet publish Vivim.Gateway --no-restore -o /app -p:UseAppHost=false -p:RunAnalyzers=false \
 && dotnet publish Vivim.Cli --no-restore -o /app/cli -p:UseAppHost=false -p:RunAnalyzers=false
RUN mkdir /data /network \
 && printf '#!/bin/sh\nexec dotnet /app/cli/vivim.dll "$@"\n' > /vivim && chmod 755 /vivim

FROM mcr.microsoft.com/dotnet/aspnet:10.0
COPY --from=build /vivim /usr/local/bin/vivim
# A named volume mounted here takes over this owner, so that the node may write to it.
COPY --from=build --chown=app:app /data /data
COPY --from=build --chown=app:app /network /network
COPY --from=build /app /app
WORKDIR /app
USER app
# The base image names a port of its own; the node binds those of its settings.
ENV VIVIM_DATA=/data ASPNETCORE_HTTP_PORTS=
EXPOSE 8080 8081
ENTRYPOINT ["dotnet", "Vivim.Gateway.dll"]
