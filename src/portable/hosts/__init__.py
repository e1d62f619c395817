"""What is known of hosts, with sources and dates; what is required of one; and whether it is met. Talks to no host."""

from portable.hosts.candidates import Candidate, choose
from portable.hosts.comparing import Matrix, compare
from portable.hosts.deciding import Cell, Evidence
from portable.hosts.difference import Change, differences
from portable.hosts.library import find, load_profiles, user_folder
from portable.hosts.probe_result import Probed, ProbeResult, read_probe_result
from portable.hosts.profile import Profile, Statement
from portable.hosts.requirements import Criterion, Requirements

__all__ = [
    "Candidate",
    "Cell",
    "Change",
    "Criterion",
    "Evidence",
    "Matrix",
    "ProbeResult",
    "Probed",
    "Profile",
    "Requirements",
    "Statement",
    "choose",
    "compare",
    "differences",
    "find",
    "load_profiles",
    "read_probe_result",
    "user_folder",
]
