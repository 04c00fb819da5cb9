"""The process: command line, wiring, HTTP, metrics, admission, drain. The top floor, above all others."""
