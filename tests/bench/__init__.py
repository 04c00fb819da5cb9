"""What a call costs and how fast it is, measured from outside: `python -m tests.bench --help`.

Everything a table says comes from the operating system's account of the gateway process, from the
phones' side (`generator`, a process of its own, or SIPp) or from `/metrics`; load goes to 127.0.0.0/8
only. Janus AudioBridge, where installed, takes the same senders in the same run.
"""
