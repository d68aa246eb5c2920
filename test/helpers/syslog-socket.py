"""Binds a socket as /dev/log is, and prints what comes, a message a line, without its priority and time."""
import os, re, socket, sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print("listening", flush=True)
while True:
    message = listener.recv(65536).rstrip(b"\0\n")
    words = re.sub(rb"^<\d{1,3}>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ", b"", message)
    sys.stdout.buffer.write(words.replace(b"\n", b" ") + b"\n")
    sys.stdout.buffer.flush()
