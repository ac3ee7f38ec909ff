"""Control groups as files under a root that the test makes."""

from __future__ import annotations

from pathlib import Path

from hardware import memory

GIB = 1024**3
KIB_OF_64 = 64 * 1024**2


def tree(root: Path, files: dict[str, str]) -> Path:
    meminfo = f"MemTotal: {KIB_OF_64} kB\nMemFree: 1 kB\nMemAvailable: {KIB_OF_64 // 2} kB\n"
    cpuinfo = "processor : 0\nmodel name : AMD Ryzen 9 7950X\n"
    for name, content in {"proc/meminfo": meminfo, "proc/cpuinfo": cpuinfo, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def test_a_machine_without_groups_has_what_meminfo_says(tmp_path: Path) -> None:
    found = memory.read_memory(tree(tmp_path, {}))
    assert (found["total"], found["available"], found["limited"]) == (64 * GIB, 32 * GIB, False)
    assert found["cpu_name"] == "AMD Ryzen 9 7950X"
    assert found["cpu_cores"] >= 1


def test_the_tightest_group_of_version_2_counts_and_file_cache_does_not(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/outer/inner\n",
            "sys/fs/cgroup/outer/memory.max": str(16 * GIB),
            "sys/fs/cgroup/outer/memory.current": str(6 * GIB),
            "sys/fs/cgroup/outer/memory.stat": f"anon 1\ninactive_file {2 * GIB}\n",
            "sys/fs/cgroup/outer/inner/memory.max": "max\n",
            "sys/fs/cgroup/outer/inner/memory.current": str(GIB),
            "sys/fs/cgroup/outer/inner/cpu.max": "150000 100000\n",
        },
    )
    found = memory.read_memory(root)
    assert (found["total"], found["available"], found["limited"]) == (16 * GIB, 12 * GIB, True)
    assert found["cpu_cores"] <= 2


def test_version_1_limits_and_its_huge_number_for_none(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "5:cpu,cpuacct:/a\n3:memory:/a\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "1",
        "sys/fs/cgroup/memory/a/memory.limit_in_bytes": str(8 * GIB),
        "sys/fs/cgroup/memory/a/memory.usage_in_bytes": str(9 * GIB),
    }
    found = memory.read_memory(tree(tmp_path, files))
    assert (found["total"], found["available"]) == (8 * GIB, 0)


def test_a_container_that_sees_the_hosts_path_uses_the_mounted_root(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/kubepods/pod1/xyz\n",
        "sys/fs/cgroup/memory.max": str(4 * GIB),
        "sys/fs/cgroup/memory.current": "0",
    }
    assert memory.read_memory(tree(tmp_path, files))["total"] == 4 * GIB
