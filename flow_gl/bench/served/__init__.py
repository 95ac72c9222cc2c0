"""The parts of the benchmark `serve`: a market, a crowd of clients, and a bare broadcast to compare with."""
