"""The crash matrix: a process dies by SIGKILL at every named point, and the books are compared (FAULTS §3.1)."""
