"""The process: command line, wiring, HTTP, metrics, admission, drain. The top floor, above all others."""

import os

# Before numpy is loaded: its products here are small, and threads of BLAS would cost twice the CPU time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
