"""The limit of open files (`api.http.descriptors`)."""

import resource

from api.http.descriptors import raise_limit


def test_the_limit_becomes_the_hard_one_and_a_quarter_is_kept() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1000), hard))
    try:
        most = raise_limit()
        raised, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert raised == min(hard, 1 << 20)
    assert most == raised - raised // 4
