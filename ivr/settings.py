"""Typed settings from the environment. A missing or malformed one stops the start with its name, what was expected and an example."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ivr.errors import SettingError

E164 = re.compile(r"^\+[1-9]\d{6,14}$")
SID = re.compile(r"^AC[0-9a-f]{32}$")
INTENT_BACKENDS = ("embeddings", "small")


@dataclass(frozen=True)
class SpeechSettings:
    """With what speech is understood. `encoder_folder`: another sentence encoder than the one that ships."""

    backend: str
    encoder_folder: Path | None
    threads: int


@dataclass(frozen=True)
class Settings:
    """What the operator chose. Secrets are kept out of `repr`."""

    account_sid: str | None
    auth_tokens: tuple[str, ...] = field(repr=False)  # the current one first; a second during rotation
    carrier_api_url: str | None
    public_url: str
    caller_id: str | None
    fallback_number: str | None
    redis_url: str | None = field(repr=False)
    jobs_redis_url: str | None = field(repr=False)
    database_url: str = field(repr=False)
    data_dir: Path
    flows_dir: Path
    config_dir: Path
    secret_key: str = field(repr=False)
    main_flow: str
    web_workers: int
    web_threads: int
    log_level: str
    speech: SpeechSettings

    @property
    def models_dir(self) -> Path:
        """Where trained models are kept."""
        return self.data_dir / "models"


def _number(env: Mapping[str, str], name: str) -> str | None:
    value = env.get(name, "").strip()
    if value and not E164.match(value):
        raise SettingError(f'{name} is "{value}": expected a phone number in international form, such as +442071838750')
    return value or None


def _url(env: Mapping[str, str], name: str, schemes: tuple[str, ...], example: str) -> str | None:
    value = env.get(name, "").strip().rstrip("/")
    if not value:
        return None
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in schemes or not (parts.netloc or parts.path.strip("/")):
        shown = re.sub(r"//[^@/]*@", "//…@", value)
        raise SettingError(
            f'{name} is "{shown}": expected an address starting with {" or ".join(s + "://" for s in schemes)}, such as {example}'
        )
    return value


def _whole(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    value = env.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise SettingError(f'{name} is "{value}": expected a whole number from {least} to {most}, such as {default}')
    return int(value)


def _folder(env: Mapping[str, str], name: str, default: str, must_exist: bool) -> Path:
    path = Path(env.get(name, "").strip() or default).expanduser()
    if must_exist and not path.is_dir():
        raise SettingError(f'{name} is "{path}": there is no such folder; expected one such as {default}')
    return path.resolve()


def _secret_key(env: Mapping[str, str], data_dir: Path) -> str:
    """The key from the environment, or the one made once in the data folder."""
    given = env.get("IVR_SECRET_KEY", "").strip()
    if given:
        if len(given) < 16:
            raise SettingError(
                "IVR_SECRET_KEY is too short: expected at least 16 characters, such as the output of `openssl rand -hex 32`"
            )
        return given
    path = data_dir / "secret_key"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        # Several processes may start at once: whoever creates the file first decides.
        fresh = secrets.token_hex(32)
        try:
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write(fresh)
        except FileExistsError:
            fresh = path.read_text().strip()
    except OSError as error:
        raise SettingError(
            f'IVR_DATA_DIR is "{data_dir}": it cannot be written ({error.strerror}); expected a folder of your own, such as .ivr'
        ) from error
    if len(fresh) < 16:
        raise SettingError(f"{path} is damaged: delete it and start again, or set IVR_SECRET_KEY")
    return fresh


def read_speech(env: Mapping[str, str] | None = None) -> SpeechSettings:
    """`IVR_INTENT_BACKEND`, `IVR_EMBEDDING_MODEL` and `IVR_INTENT_THREADS` alone: training needs no line. Raises SettingError."""
    env = os.environ if env is None else env
    backend = env.get("IVR_INTENT_BACKEND", "").strip().lower() or INTENT_BACKENDS[0]
    if backend not in INTENT_BACKENDS:
        raise SettingError(f'IVR_INTENT_BACKEND is "{backend}": expected {" or ".join(INTENT_BACKENDS)}')
    folder = _folder(env, "IVR_EMBEDDING_MODEL", "models/encoder", must_exist=True) if env.get("IVR_EMBEDDING_MODEL") else None
    # More than one thread is only for machines with cores to spare; one is also what a fork cannot lose.
    return SpeechSettings(backend, folder, _whole(env, "IVR_INTENT_THREADS", 1, 1, 64))


def read_database_url(env: Mapping[str, str], data_dir: Path) -> str:
    """Where records are: `DATABASE_URL`, else SQLite in the data folder. Raises SettingError."""
    given = _url(
        env, "DATABASE_URL", ("sqlite", "postgresql", "postgresql+psycopg", "postgres"), "postgresql://ivr:secret@db.example/ivr"
    )
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", given or f"sqlite:///{data_dir / 'ivr.sqlite'}")


def read_settings(env: Mapping[str, str] | None = None, *, port: int = 8080) -> Settings:
    """Settings from `env` (default: the process's environment); raises SettingError with one sentence."""
    env = os.environ if env is None else env
    data_dir = _folder(env, "IVR_DATA_DIR", ".ivr", must_exist=False)
    account_sid = env.get("TWILIO_ACCOUNT_SID", "").strip() or None
    if account_sid and not SID.match(account_sid):
        raise SettingError(
            'TWILIO_ACCOUNT_SID is malformed: expected "AC" and 32 hexadecimal digits, such as AC0123456789abcdef0123456789abcdef'
        )
    tokens = tuple(t for t in (env.get(n, "").strip() for n in ("TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_NEXT")) if t)
    if account_sid and not tokens:
        raise SettingError("TWILIO_AUTH_TOKEN is missing: expected the account's token, 32 characters from the carrier's console")
    redis_url = _url(env, "REDIS_URL", ("redis", "rediss", "unix"), "redis://127.0.0.1:6379/0")
    level = env.get("IVR_LOG_LEVEL", "info").strip().lower()
    if level not in ("debug", "info", "warning", "error"):
        raise SettingError(f'IVR_LOG_LEVEL is "{level}": expected debug, info, warning or error')
    return Settings(
        account_sid=account_sid,
        auth_tokens=tokens,
        carrier_api_url=_url(env, "TWILIO_API_URL", ("http", "https"), "https://api.example.com"),
        public_url=_url(env, "IVR_PUBLIC_URL", ("http", "https"), "https://ivr.example.com") or f"http://127.0.0.1:{port}",
        caller_id=_number(env, "IVR_CALLER_ID"),
        fallback_number=_number(env, "IVR_FALLBACK_NUMBER"),
        redis_url=redis_url,
        jobs_redis_url=_url(env, "IVR_JOBS_REDIS_URL", ("redis", "rediss", "unix"), "redis://127.0.0.1:6379/1") or redis_url,
        database_url=read_database_url(env, data_dir),
        data_dir=data_dir,
        flows_dir=_folder(env, "IVR_FLOWS_DIR", "flows", must_exist=True),
        config_dir=_folder(env, "IVR_CONFIG_DIR", "config", must_exist=True),
        secret_key=_secret_key(env, data_dir),
        main_flow=env.get("IVR_MAIN_FLOW", "").strip() or "support",
        web_workers=_whole(env, "IVR_WEB_WORKERS", 2, 1, 64),
        web_threads=_whole(env, "IVR_WEB_THREADS", 16, 1, 256),
        log_level=level,
        speech=read_speech(env),
    )
