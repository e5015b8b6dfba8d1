"""What someone waits before anything happens."""

from bench.case import Case, Column, Contender, figure

LOCAL, RAY = "mlecs run smoke --local", "mlecs run smoke"
ABOUT = """Seconds from the start of the process to the moment at which the first update had come back, as the run
itself writes it down, and to the end of the process, report and all."""
FIRST = Column("first_update_seconds", "s to the first update")
WHOLE = Column("whole_seconds", "s to the end")


def case(quick: bool) -> Case:
    """Without Ray and with it."""
    contenders = [Contender(LOCAL, "bench.first_update", {"arguments": ["smoke", "--local"]})]
    if not quick:
        contenders.append(Contender(RAY, "bench.first_update", {"arguments": ["smoke"]}))
    targets = (figure(LOCAL, FIRST, 3.0, False, "s"), figure(RAY, FIRST, 10.0, False, "s"))
    return Case("startup", "The first update", ABOUT, tuple(contenders), (FIRST, WHOLE), targets)
