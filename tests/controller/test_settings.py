import pytest

from zerotouch.controller.settings import Settings


def test_everything_from_the_environment() -> None:
    settings = Settings.from_env(
        {
            "POD_NAMESPACE": "ops",
            "POD_NAME": "zerotouch-0",
            "ZEROTOUCH_OWNER_ID": "prod",
            "ZEROTOUCH_ALLOWED_GATEWAYS": "https://a.example/, https://b.example:8443",
            "ZEROTOUCH_GATEWAY_CA_FILE": "/ca.pem",
        }
    )
    assert (settings.namespace, settings.owner_id, settings.gateway_ca_file) == ("ops", "prod", "/ca.pem")
    assert settings.allowed_gateways == {"https://a.example", "https://b.example:8443"}


def test_a_container_started_again_in_the_same_pod_is_another_candidate() -> None:
    first, second = (Settings.from_env({"POD_NAME": "zerotouch-0"}).identity for _ in range(2))
    assert first.startswith("zerotouch-0_")
    assert first != second


def test_defaults() -> None:
    settings = Settings.from_env({})
    assert (settings.owner_id, settings.allowed_gateways, settings.gateway_ca_file) == ("default", frozenset(), None)


@pytest.mark.parametrize("text", ["0s", "soon", "1h", "30", "s"])
def test_a_time_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"ZEROTOUCH_SETTLE: .* is not a duration"):
        Settings.from_env({"ZEROTOUCH_SETTLE": text})


def test_a_time_to_settle() -> None:
    assert Settings.from_env({"ZEROTOUCH_SETTLE": "2m"}).settle == 120.0
