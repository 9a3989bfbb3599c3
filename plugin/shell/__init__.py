"""Everything that starts things: configuration, wiring, HTTP, telemetry, the command line, the demo."""
