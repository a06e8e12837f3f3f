"""Runs commands one at a time, and says what each took and what disturbed it.

One hard fact: a child's ru_maxrss starts at what its parent had in memory, so memory comes from
/proc/PID/status instead, in the untimed run that also warms the page cache. What others took of the
machine is its busy time (/proc/stat) less the child's.
"""
import collections
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile
import time

import harness

QUIET = 0.05  # of the machine, used by others in a run: more than that is marked
PATIENCE = 10  # seconds to wait, before each run, for a machine that is quiet

Run = collections.namedtuple("Run", "wall cpu others from_disk written out")
Memory = collections.namedtuple("Memory", "max_rss peak_anon")


def start(command, output):
    return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                            stdout=output, stderr=subprocess.PIPE, env=harness.environment())


def finish(process, command, output):
    """Waits, and returns what wait4 knows of the resources; a failed command is an error, as its
    time means nothing."""
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        output.seek(0)
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {process.returncode}\n"
                           f"{output.read().decode()}{process.stderr.read().decode()}")
    return usage


def busy_seconds():
    user, nice, system, _, _, irq, softirq, steal = map(
        int, pathlib.Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet():
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        busy = busy_seconds()
        time.sleep(0.5)
        if (busy_seconds() - busy) / 0.5 / os.cpu_count() < QUIET:
            return


def timed(command):
    wait_for_quiet()
    with tempfile.TemporaryFile() as output:
        busy = busy_seconds()
        begin = time.monotonic()
        usage = finish(start(command, output), command, output)
        wall = time.monotonic() - begin
        cpu = usage.ru_utime + usage.ru_stime
        others = max(0.0, busy_seconds() - busy - cpu) / wall / os.cpu_count()
        output.seek(0)
        return Run(wall, cpu, others, usage.ru_inblock * 512, usage.ru_oublock * 512,
                   output.read().decode())


def memory(command):
    """VmHWM and the greatest RssAnon, looked at each millisecond."""
    with tempfile.TemporaryFile() as output:
        process = start(command, output)
        peaks = {"VmHWM": 0, "RssAnon": 0}
        try:
            while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
                    name, _, value = line.partition(":")
                    if name in peaks:
                        peaks[name] = max(peaks[name], int(value.split()[0]) * 1024)
                time.sleep(0.001)
        except BaseException:
            process.kill()
            raise
        finish(process, command, output)
        return Memory(peaks["VmHWM"], peaks["RssAnon"])


def interleaved(commands, rounds):
    """name -> Runs. Each command (a function that returns it) once a round, in turn, so that what
    disturbs one disturbs all."""
    runs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(timed(command()))
    return runs


def median(values):
    return statistics.median(values)


def first_line(command):
    return harness.must(command).splitlines()[0]


def machine():
    cpu = next(
        line.split(":")[1].strip() for line in open("/proc/cpuinfo")
        if line.startswith("model name"))
    flags = next(line.split() for line in open("/proc/cpuinfo") if line.startswith("flags"))
    sha = "with SHA instructions" if "sha_ni" in flags else "without SHA instructions"
    memory_gb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return (f"{os.cpu_count()} cores, {cpu}, {sha}, {memory_gb:.0f} GB of memory, "
            f"Linux {platform.release()}")


def load_average():
    return " ".join(f"{value:.1f}" for value in os.getloadavg())
