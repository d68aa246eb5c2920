"""ask-secret.py PROMPT [none|stars|late|quick]: reads one line as su, sudo's pwfeedback, or a script would.

none: nothing is shown while typing; stars: raw mode, `*` per key; late: the echo is off before the prompt is there;
quick: the prompt is there before the echo is off. Says `done N` with the number of bytes read.
"""
import os, sys, termios, time, tty

prompt, how = sys.argv[1].encode(), (sys.argv[2:] or ["none"])[0]
saved = termios.tcgetattr(0)

def echo_off():
    silent = termios.tcgetattr(0)
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, silent)

def stars():
    tty.setraw(0, termios.TCSANOW)
    line = b""
    while (key := os.read(0, 1)) not in (b"\r", b"\n"):
        line = line[:-1] if key == b"\x7f" else line + key
        os.write(1, b"\b \b" if key == b"\x7f" else b"*")
    os.write(1, b"\b \b" * len(line))
    return line

if how == "quick":
    os.write(1, prompt)
    time.sleep(0.005)
    echo_off()
elif how == "stars":
    os.write(1, prompt)
else:
    echo_off()
    os.write(1, b"\x1b]0;ready\x07")
    time.sleep(0.4 if how == "late" else 0)
    os.write(1, prompt)
line = stars() if how == "stars" else os.read(0, 4096).rstrip(b"\r\n")
os.write(1, b"\r\n")
termios.tcsetattr(0, termios.TCSANOW, saved)
print("done %d" % len(line), flush=True)
