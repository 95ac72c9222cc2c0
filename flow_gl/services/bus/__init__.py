"""The bus: publishing the charts on NATS JetStream, and connecting to its servers."""
