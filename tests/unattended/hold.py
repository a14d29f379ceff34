"""Seizes the process whose pid is the first argument and looks after it no further: killed, it can be waited for
by nobody else, as if it slept uninterruptibly. Says so in the file of the second argument."""

import ctypes
import os
import sys
import time

PTRACE_SEIZE = 0x4206

libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(PTRACE_SEIZE, int(sys.argv[1]), None, None) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
with open(sys.argv[2] + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename(sys.argv[2] + ".new", sys.argv[2])
time.sleep(600)
