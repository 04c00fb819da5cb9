"""The process: command line, wiring, HTTP, metrics, admission, drain. The top floor: it may import everything below."""
