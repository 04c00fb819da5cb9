"""SIP signalling (RFC 3261): messages, transports, transactions, dialogs, calls. Knows no meeting, no room."""
