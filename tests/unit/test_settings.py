"""Boot settings: where values come from, and what is refused with which words."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from moorage.cli.settings_loader import Loaded, SettingInvalid, load
from moorage.settings import Secret, Settings, list_keys, shown, shown_url, split_listen, value_of


def load_from(
    folder: Path, toml: str = "", environment: dict[str, str] | None = None, flags: dict[str, str] | None = None
) -> Loaded:
    """The settings of a data folder that holds `toml`."""
    if toml:
        (folder / "moorage.toml").write_text(toml)
    return load({"data": str(folder), **(flags or {})}, environment=environment or {})


def test_without_anything_given_every_value_is_the_default(tmp_path: Path) -> None:
    loaded = load_from(tmp_path)

    assert loaded.settings == Settings(data=str(tmp_path))
    assert {key: source for key, source in loaded.sources.items() if source != "default"} == {"data": "--data"}


def test_flags_beat_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    toml = 'listen = "127.0.0.1:1"\nworkers = 1\nregistry_auth = "basic"\n[log]\nlevel = "debug"\n'
    environment = {"MOORAGE_LISTEN": "127.0.0.1:2", "MOORAGE_WORKERS": "2"}

    loaded = load_from(tmp_path, toml, environment, {"listen": "127.0.0.1:3"})

    assert (loaded.settings.listen, loaded.settings.workers) == ("127.0.0.1:3", 2)
    assert (loaded.settings.registry_auth, loaded.settings.log.level) == ("basic", "debug")
    assert loaded.sources["listen"] == "--listen"
    assert loaded.sources["workers"] == "environment MOORAGE_WORKERS"
    assert loaded.sources["log.level"] == str(tmp_path / "moorage.toml")
    assert loaded.sources["log.format"] == "default"


def test_values_of_the_environment_are_read_by_their_type(tmp_path: Path) -> None:
    environment = {
        "MOORAGE_ALLOWED_HOSTS": '["a.example", "b.example:8443"]',
        "MOORAGE_STORAGE__REDIRECT": "false",
        "MOORAGE_DATABASE__POOL_SIZE": "7",
        "MOORAGE_DATABASE__MIGRATE": "auto",
        "MOORAGE_DATABASE__PASSWORD": "00123",
    }

    settings = load_from(tmp_path, environment=environment).settings

    assert settings.allowed_hosts == ("a.example", "b.example:8443")
    assert settings.storage.redirect is False
    assert (settings.database.pool_size, settings.database.migrate) == (7, "auto")
    assert settings.database.password.reveal() == "00123"


def test_a_config_file_may_lie_elsewhere_and_has_to_exist_then(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("workers = 3\n")

    assert load(config=str(file), environment={}).settings.workers == 3
    assert load(environment={"MOORAGE_CONFIG": str(file)}).sources["workers"] == str(file)
    with pytest.raises(SettingInvalid, match=r"missing\.toml does not exist"):
        load(config=str(tmp_path / "missing.toml"), environment={})


@pytest.mark.parametrize(
    ("toml", "environment", "words"),
    [
        ("lissten = 'x'", {}, ["moorage.toml", "`lissten`", "`listen`"]),
        ("[databaze]\nurl = 'x'", {}, ["`databaze.url`", "`database.url`"]),
        ("[database]\nurll = 'x'", {}, ["`database.urll`", "`database.url`"]),
        ("[quux]\nxyzzy = 1", {}, ["`quux.xyzzy`", "`moorage settings`"]),
        ("url = 'x'", {}, ["`url`", "`database.url`"]),
        ("database = 'x'", {}, ["`database`"]),
        ("data = 'x'", {}, ["moorage.toml", "--data"]),
        ("workers = 'two'", {}, ["`workers`", "moorage.toml", "expected `int`"]),
        ("workers = '2'", {}, ["`workers`", "expected `int`, got `str`"]),
        ("workers = 65", {}, ["`workers`", "<= 64"]),
        ("a = \nb = 1", {}, ["moorage.toml", "not TOML", "line 1"]),
        ("", {"MOORAGE_LISTN": "x"}, ["MOORAGE_LISTN", "`MOORAGE_LISTEN`"]),
        ("", {"MOORAGE_DATABASE_URL": "x"}, ["MOORAGE_DATABASE_URL", "`MOORAGE_DATABASE__URL`"]),
        ("", {"MOORAGE_WORKERS": "two"}, ["`workers`", "environment MOORAGE_WORKERS", "`int`"]),
        ("", {"MOORAGE_WORKERS": "-1"}, ["`workers`", ">= 0"]),
        ("", {"MOORAGE_LOG__LEVEL": "loud"}, ["`log.level`", "debug, info, warning, error", "'loud'"]),
        ("", {"MOORAGE_DATABASE__MIGRATE": "yes"}, ["`database.migrate`", "auto, manual"]),
        ("", {"MOORAGE_ALLOWED_HOSTS": "a,b"}, ["`allowed_hosts`", "JSON list"]),
        ("", {"MOORAGE_ALLOWED_HOSTS": '["https://a"]'}, ["`allowed_hosts`", "host name"]),
        ("", {"MOORAGE_TRUSTED_PROXIES": '["10.0.0.1/8"]'}, ["`trusted_proxies`", "host bits"]),
        ("", {"MOORAGE_LISTEN": "8080"}, ["`listen`", "HOST:PORT"]),
        ("", {"MOORAGE_LISTEN": "127.0.0.1:66000"}, ["`listen`", "HOST:PORT"]),
        ("", {"MOORAGE_LISTEN": "::1:80"}, ["`listen`", "brackets"]),
        ("", {"MOORAGE_EXTERNAL_URL": "registry.example.com"}, ["`external_url`", "https://"]),
        ("", {"MOORAGE_EXTERNAL_URL": "https://a.example/moorage"}, ["`external_url`", "path"]),
        ("", {"MOORAGE_DATABASE__URL": "mysql://a"}, ["`database.url`", "postgresql://"]),
        ("", {"MOORAGE_DATABASE__URL": "sqlite://"}, ["`database.url`", "sqlite:///FILE"]),
        ("", {"MOORAGE_FAULT": "nowhere:kill"}, ["`fault`", "no such point"]),
        ("", {"MOORAGE_TLS_CERT": "a.pem"}, ["`tls_cert`", "`tls_key`"]),
        ("", {"MOORAGE_TLS_KEY": "a.pem"}, ["`tls_key`", "`tls_cert`"]),
        ("", {"MOORAGE_STORAGE__KIND": "s3"}, ["`storage.s3.bucket`"]),
        ("", {"MOORAGE_STORAGE__KIND": "memory", "MOORAGE_WORKERS": "2"}, ["`workers`", "memory"]),
        ("", {"MOORAGE_UPLOADS__OPEN_LIMIT": "0"}, ["`uploads.open_limit`", ">= 1"]),
        ("", {"MOORAGE_UPLOADS__LEASE_SECONDS": "599"}, ["`uploads.lease_seconds`", ">= 600"]),
        ("", {"MOORAGE_ADMIN_PASSWORD_FILE": "/nowhere"}, ["`admin_password_file`", "/nowhere", "No such file"]),
        ("listen_file = 'x'", {}, ["`listen_file`"]),
    ],
    ids=lambda value: re.sub(r"\s+", " ", str(value))[:40] if not isinstance(value, list) else "",
)
def test_what_cannot_be_used_is_named_with_its_source_and_mend(
    tmp_path: Path, toml: str, environment: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(SettingInvalid) as refused:
        load_from(tmp_path, toml, environment)

    message = str(refused.value)
    assert "\n" not in message.replace("(at line", "")
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    "variable",
    [
        "MOORAGE_TEST_REPORT",
        "MOORAGE_SERVICE_HOST",
        "MOORAGE_SERVICE_PORT",
        "MOORAGE_SERVICE_PORT_HTTP",
        "MOORAGE_PORT",
        "MOORAGE_PORT_8080_TCP",
        "MOORAGE_PORT_8080_TCP_ADDR",
        "MOORAGE_POSTGRESQL_SERVICE_HOST",
        "MOORAGE_POSTGRESQL_PORT_5432_TCP_PROTO",
        "OTHER_LISTEN",
    ],
)
def test_variables_that_are_no_settings_are_left_alone(tmp_path: Path, variable: str) -> None:
    assert load_from(tmp_path, environment={variable: "tcp://10.0.0.1:80"}).settings == Settings(data=str(tmp_path))


# -- secrets ----------------------------------------------------------------------------------------------


def make_secret(name: str) -> str:
    """A value that the setting takes, with `hush` in it."""
    return {"config_overwrite": '{"oidc_name": "hush"}'}.get(name, "redis://hush")


def test_every_secret_may_be_given_as_a_file(tmp_path: Path) -> None:
    secrets = [key for key in list_keys() if key.secret]
    environment = {}
    for key in secrets:
        file = tmp_path / key.name
        file.write_text(make_secret(key.name) + "\n")
        environment[f"{key.variable}_FILE"] = str(file)

    loaded = load_from(tmp_path, environment=environment)

    assert len(secrets) >= 4
    for key in secrets:
        value = value_of(loaded.settings, key.name)
        assert isinstance(value, Secret)
        assert value.reveal() == make_secret(key.name)
        assert str(tmp_path / key.name) in loaded.sources[key.name]


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("two")
    environment = {"MOORAGE_ADMIN_PASSWORD": "one", "MOORAGE_ADMIN_PASSWORD_FILE": str(tmp_path / "p")}

    with pytest.raises(SettingInvalid, match=r"Both `admin_password` .* and `admin_password_file`"):
        load_from(tmp_path, environment=environment)


def test_an_empty_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("\n")

    with pytest.raises(SettingInvalid, match="is empty"):
        load_from(tmp_path, environment={"MOORAGE_ADMIN_PASSWORD_FILE": str(tmp_path / "p")})


def test_secrets_never_print(tmp_path: Path) -> None:
    environment = {key.variable: make_secret(key.name) for key in list_keys() if key.secret}

    settings = load_from(tmp_path, environment=environment).settings

    secret = settings.admin_password
    assert "hush" not in repr(settings) + str(settings) + f"{secret} {secret!r} {secret!s:>9}" + f"{secret}"
    assert secret.reveal() == make_secret("admin_password")
    for key in list_keys():
        assert "hush" not in json.dumps(shown(key, value_of(settings, key.name)))


def test_a_secret_of_the_wrong_type_is_refused_without_its_value(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="`admin_password`") as refused:
        load_from(tmp_path, "admin_password = 7310")

    assert "7310" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://moorage:hush@db:5432/moorage", "postgresql://moorage:***@db:5432/moorage"),
        ("postgresql://moorage@db/moorage", "postgresql://moorage@db/moorage"),
        ("sqlite:////srv/a.db", "sqlite:////srv/a.db"),
        ("cannot reach postgresql://a:b@c/d now", "cannot reach postgresql://a:***@c/d now"),
    ],
)
def test_a_password_in_a_url_is_not_shown(url: str, expected: str) -> None:
    assert shown_url(url) == expected


# -- what follows from them -------------------------------------------------------------------------------


def test_the_database_password_is_put_into_the_url(tmp_path: Path) -> None:
    environment = {
        "MOORAGE_DATABASE__URL": "postgresql+psycopg://moorage@db:5432/moorage?sslmode=require",
        "MOORAGE_DATABASE__PASSWORD": "a/b@c:d%",
    }

    settings = load_from(tmp_path, environment=environment).settings

    assert settings.database_url == "postgresql+psycopg://moorage:a%2Fb%40c%3Ad%25@db:5432/moorage?sslmode=require"
    assert settings.sqlite_file is None


def test_sqlite_lies_in_the_data_folder_unless_it_is_set(tmp_path: Path) -> None:
    assert load_from(tmp_path).settings.sqlite_file == tmp_path / "moorage.db"
    elsewhere = load_from(tmp_path, environment={"MOORAGE_DATABASE__URL": "sqlite:////srv/other.db"}).settings
    assert elsewhere.sqlite_file == Path("/srv/other.db")


@pytest.mark.parametrize(
    ("listen", "expected"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0)), ("localhost:65535", ("localhost", 65535))],
)
def test_a_listen_address_is_host_and_port(listen: str, expected: tuple[str, int]) -> None:
    assert split_listen(listen) == expected


def test_sqlite_is_served_by_one_process_and_postgresql_by_up_to_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    postgresql = msgspec.structs.replace(Settings().database, url="postgresql://db/moorage")

    assert Settings().worker_count == 1
    assert Settings(database=postgresql).worker_count == 4
    assert Settings(database=postgresql, workers=9).worker_count == 9


def test_every_key_has_an_environment_variable_of_its_own() -> None:
    variables = [key.variable for key in list_keys()]

    assert len(set(variables)) == len(variables) > 25
    assert "MOORAGE_STORAGE__S3__BUCKET" in variables


def test_a_secret_that_is_refused_is_not_printed_either(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="expected redis://") as caught:
        load_from(tmp_path, environment={"MOORAGE_SESSIONS__REDIS_URL": "http://:hush@redis:6379"})

    assert "hush" not in str(caught.value)


def test_what_fixes_live_settings_is_a_json_object_and_prints_nothing(tmp_path: Path) -> None:
    environment = {"MOORAGE_CONFIG_OVERWRITE": '{"ldap_search_password": "hush"}'}

    settings = load_from(tmp_path, environment=environment).settings

    assert settings.overwrite == {"ldap_search_password": "hush"}
    assert "hush" not in repr(settings)
    for text in ("[]", "{", "true"):
        with pytest.raises(SettingInvalid, match=r"`config_overwrite`.*JSON object"):
            load_from(tmp_path, environment={"MOORAGE_CONFIG_OVERWRITE": text})
