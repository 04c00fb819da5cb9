"""SIP signalling (RFC 3261): messages, transports, transactions, dialogs, calls. Knows of no meeting."""
