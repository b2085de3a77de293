"""Parse and compute digests; hash in steps that may be hours and processes apart.

`hashlib` objects cannot be saved, but a chunked upload goes on in another process. So `Hasher` hashes through
the libcrypto that Python itself uses and exports its state; see `docs/adr/0013-resumable-hash.md`. Where that
library is missing or fails the test at import, `Hasher` falls back to `hashlib` and has no state to save.
"""

import ctypes
import hashlib
import re
import struct
import sys
import time
from collections.abc import Callable
from typing import Final, NamedTuple, Never, Self, final

from moorage.errors import DigestInvalid

_DIGEST = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")
_CODES: Final = {"sha256": 1, "sha512": 2}
_NAMES: Final = {1: ("sha256", 33), 2: ("sha512", 65)}


@final
class Digest:
    """The name of a blob or manifest: an algorithm and a hash. Immutable, hashable, ordered like its text.

    Attributes:
        algorithm: `sha256` or `sha512`.
        hex: the hash, 64 or 128 lower-case hexadecimal digits.

    Source: OCI image-spec v1.1 descriptor.md, "Digests".
    """

    __slots__ = ("_text", "algorithm", "hex")

    algorithm: str
    hex: str
    _text: str

    def __init__(self, text: str) -> None:
        """Read a digest from its text form.

        Raises:
            DigestInvalid: anything but `sha256:` and 64, or `sha512:` and 128 lower-case hexadecimal digits.
        """
        found = _DIGEST.fullmatch(text)
        if found is None:
            raise DigestInvalid(digest=text[:200])
        _set_text(self, text)
        _set_algorithm(self, text[:6])
        _set_hex(self, text[7:])

    @classmethod
    def parse(cls, text: str) -> Self:
        """The digest that `text` names; the same as `Digest(text)`.

        Raises:
            DigestInvalid: anything but `sha256:` and 64, or `sha512:` and 128 lower-case hexadecimal digits.
        """
        return cls(text)

    @classmethod
    def from_binary(cls, data: bytes) -> Self:
        """The digest whose `binary` form this is.

        Raises:
            DigestInvalid: an unknown algorithm or a wrong length.
        """
        name, length = _NAMES.get(data[0] if data else 0, ("", -1))
        if len(data) != length:
            raise DigestInvalid(binary=data[:80].hex())
        return cls(f"{name}:{data[1:].hex()}")

    @property
    def binary(self) -> bytes:
        """The database's form: one byte of algorithm (1 sha256, 2 sha512) and the raw hash; 33 or 65 bytes."""
        return bytes((_CODES[self.algorithm],)) + bytes.fromhex(self.hex)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Digest({self._text!r})"

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Digest) else NotImplemented

    def __lt__(self, other: "Digest") -> bool:
        return self._text < other._text if isinstance(other, Digest) else NotImplemented

    def __setattr__(self, name: str, value: object) -> Never:
        msg = f"a digest does not change ({name})"
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> Never:
        msg = f"a digest does not change ({name})"
        raise AttributeError(msg)

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self._text,)


# The slots' own setters: the fastest way past the refusing `__setattr__`.
_set_text: Callable[[Digest, str], None] = Digest.__dict__["_text"].__set__
_set_algorithm: Callable[[Digest, str], None] = Digest.__dict__["algorithm"].__set__
_set_hex: Callable[[Digest, str], None] = Digest.__dict__["hex"].__set__


def compute(data: bytes, algorithm: str = "sha256") -> Digest:
    """The digest of `data`.

    Raises:
        DigestInvalid: the algorithm is neither sha256 nor sha512.
    """
    if algorithm not in _CODES:
        raise DigestInvalid(algorithm=algorithm[:40])
    return Digest(f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}")


# -- hashing in steps -------------------------------------------------------------------------------------


class _Layout(NamedTuple):
    """How SHA256_CTX or SHA512_CTX lies in memory.

    Shape: eight words of hash, a bit count of two words (low, high), a block of pending bytes, how many of them
    are used, the length of the result.

    Source: openssl/sha.h, the same since OpenSSL 0.9.8.
    """

    context: str
    state: str
    block_bytes: int
    word_bits: int
    result_bytes: int


_LAYOUTS: Final = {
    "sha256": _Layout("=8I2I64sII", ">BB8IQ", 64, 32, 32),
    "sha512": _Layout("=8Q2Q128sII", ">BB8QQ", 128, 64, 64),
}
_STATE_VERSION = 1

# Below this size a call keeps the interpreter lock: giving it up for 20 µs can mean waiting 5 ms to get it back.
_SMALL_BYTES = 32 * 1024

_Buffer = ctypes.Array[ctypes.c_char]


class _Functions(NamedTuple):
    """Init, Update and Final of one algorithm. `update_briefly` keeps the interpreter lock, `update` lets go of it."""

    init: Callable[[_Buffer], int]
    update: Callable[[_Buffer, bytes, int], int]
    update_briefly: Callable[[_Buffer, bytes, int], int]
    final: Callable[[_Buffer, _Buffer], int]


class Hasher:
    """A hash that is fed in steps, can be asked in between, and can be saved.

    Not for two threads at once. `update` lets other threads run while it hashes 32 KiB or more.

    Attributes:
        algorithm: `sha256` or `sha512`.
        size_bytes: how many bytes it has been fed, those before `resume` included.
    """

    __slots__ = ("_context", "_functions", "_plain", "algorithm", "size_bytes")

    def __init__(self, algorithm: str = "sha256") -> None:
        """Begin at no bytes.

        Raises:
            DigestInvalid: the algorithm is neither sha256 nor sha512.
        """
        if algorithm not in _CODES:
            raise DigestInvalid(algorithm=algorithm[:40])
        self.algorithm = algorithm
        self.size_bytes = 0
        self._functions = _native.get(algorithm)
        if self._functions is None:
            self._plain = hashlib.new(algorithm)
        else:
            self._context = ctypes.create_string_buffer(struct.calcsize(_LAYOUTS[algorithm].context))
            self._functions.init(self._context)

    @classmethod
    def resume(cls, algorithm: str, state: bytes) -> Self:
        """Go on from a saved state.

        Raises:
            ValueError: this is no state of this algorithm, or this platform cannot resume: read the bytes back.
        """
        layout = _LAYOUTS[algorithm]
        fixed = struct.calcsize(layout.state)
        if algorithm not in _native or len(state) < fixed:
            msg = "no hash state to resume from"
            raise ValueError(msg)
        version, code, *words, size_bytes = struct.unpack_from(layout.state, state)
        pending = state[fixed:]
        if version != _STATE_VERSION or code != _CODES[algorithm] or len(pending) != size_bytes % layout.block_bytes:
            msg = "the hash state does not fit"
            raise ValueError(msg)
        hasher = cls(algorithm)
        hasher.size_bytes = size_bytes
        high, low = divmod(size_bytes * 8, 1 << layout.word_bits)
        struct.pack_into(
            layout.context, hasher._context, 0, *words, low, high, pending, len(pending), layout.result_bytes
        )
        return hasher

    def update(self, data: bytes) -> None:
        """Feed bytes."""
        size = len(data)
        self.size_bytes += size
        if self._functions is None:
            self._plain.update(data)
        elif size < _SMALL_BYTES:
            self._functions.update_briefly(self._context, data, size)
        else:
            self._functions.update(self._context, data, size)

    def digest(self) -> Digest:
        """The digest of the bytes so far; more may follow."""
        if self._functions is None:
            return Digest(f"{self.algorithm}:{self._plain.hexdigest()}")
        result = ctypes.create_string_buffer(_LAYOUTS[self.algorithm].result_bytes)
        self._functions.final(result, type(self._context).from_buffer_copy(self._context))
        return Digest(f"{self.algorithm}:{result.raw.hex()}")

    def state(self) -> bytes:
        """What `resume` needs, in a form that fits every machine; at most 257 bytes; empty when this platform cannot.

        Shape: version (1 byte), algorithm (1 byte), eight words of hash, bytes hashed (8 bytes), all big-endian,
        then the bytes after the last whole block.
        """
        if self._functions is None:
            return b""
        layout = _LAYOUTS[self.algorithm]
        *words, _low, _high, block, used, _length = struct.unpack(layout.context, self._context)
        head = struct.pack(layout.state, _STATE_VERSION, _CODES[self.algorithm], *words, self.size_bytes)
        return head + bytes(block[:used])

    @staticmethod
    def can_resume(algorithm: str = "sha256") -> bool:
        """Whether `state` and `resume` work here."""
        return algorithm in _native


# -- finding libcrypto ------------------------------------------------------------------------------------


def _find_library() -> tuple[ctypes.CDLL, ctypes.PyDLL] | None:
    """The libcrypto of this process, in its two calling forms, or None.

    Asking for a symbol of `_hashlib` also searches what that module is linked with: exactly the library that
    `hashlib` uses, whatever its name and place. The soname is for builds that have `_hashlib` linked in.
    """
    for name in (getattr(sys.modules.get("_hashlib"), "__file__", None), "libcrypto.so.3"):
        if name is None:
            continue
        try:
            library = ctypes.CDLL(name)
            if all(
                hasattr(library, f"SHA{size}_{verb}") for size in (256, 512) for verb in ("Init", "Update", "Final")
            ):
                return library, ctypes.PyDLL(name)
        except OSError:
            continue
    return None


def _declare(function: Callable[..., int], *arguments: object) -> Callable[..., int]:
    function.argtypes = arguments  # type: ignore[attr-defined] # a ctypes function
    function.restype = ctypes.c_int  # type: ignore[attr-defined] # a ctypes function
    return function


def _functions(library: ctypes.CDLL, brief: ctypes.PyDLL, algorithm: str) -> _Functions:
    prefix = algorithm.upper()
    data = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)
    return _Functions(
        init=_declare(brief[f"{prefix}_Init"], ctypes.c_void_p),
        update=_declare(library[f"{prefix}_Update"], *data),
        update_briefly=_declare(brief[f"{prefix}_Update"], *data),
        final=_declare(brief[f"{prefix}_Final"], ctypes.c_void_p, ctypes.c_void_p),
    )


def _is_right(algorithm: str) -> bool:
    """Whether a hash that was saved and resumed at awkward places gives what `hashlib` gives."""
    data = bytes(range(251)) * 5
    for cut in (0, 1, 63, 64, 127, 128, 250, 1000):
        first = Hasher(algorithm)
        first.update(data[:cut])
        second = Hasher.resume(algorithm, first.state())
        second.update(data[cut:])
        if second.digest().hex != hashlib.new(algorithm, data).hexdigest() or first.size_bytes != cut:
            return False
    return True


def _is_fast(algorithm: str) -> bool:
    """Whether it uses the processor's instructions as `hashlib` does: at most three times slower, best of three."""
    data = bytes(_SMALL_BYTES)

    def seconds(function: Callable[[bytes], object]) -> float:
        best = 1.0
        for _ in range(3):
            begun = time.perf_counter()
            function(data)
            best = min(best, time.perf_counter() - begun)
        return best

    return seconds(Hasher(algorithm).update) < 3 * seconds(hashlib.new(algorithm).update)


_native: dict[str, _Functions] = {}


def _find_native() -> None:
    """Fill `_native` with the algorithms that pass the self-test. About 1 ms, once, at import."""
    library = _find_library()
    if library is None:
        return
    for algorithm in _CODES:
        _native[algorithm] = _functions(*library, algorithm)
        if not (_is_right(algorithm) and _is_fast(algorithm)):
            del _native[algorithm]


_find_native()
