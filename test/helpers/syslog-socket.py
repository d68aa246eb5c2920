"""Binds a socket as /dev/log is, and prints what comes, a message a line: when it was sent (RFC 3339), and its words.

The time is the kernel's, as rsyslog takes it: not that of whoever reads late on a busy machine.
"""
import os, re, socket, struct, sys
from datetime import datetime, timezone

SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the control message has the same number
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print("listening", flush=True)
while True:
    message, control, _, _ = listener.recvmsg(65536, 256)
    seconds, nanos = struct.unpack("qq", control[0][2])
    at = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    words = re.sub(rb"^<\d{1,3}>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ", b"", message.rstrip(b"\0\n"))
    line = f"{at}.{nanos // 1000000:03}Z test-bastion ".encode() + words.replace(b"\n", b" ") + b"\n"
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
