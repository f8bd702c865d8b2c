"""What a file or body is that is no text, by its first bytes.

A library of magic numbers (filetype, puremagic) knows hundreds, many so short that books begin with them (`BM`, `MZ`,
`ID3`). Here are the forms that turn up in folders and crawls of text, each by bytes that text does not begin with; what
none of them names is told from text by its control bytes.
"""

import re
import unicodedata

import numpy as np

HEAD = 4096  # bytes that are looked at
CONTROLS = bytes(
    byte for byte in range(32) if byte not in b"\t\n\f\r\x1b\x0e\x0f\x08"
)  # ESC, SO, SI: ISO-2022; BS: man pages
BINARY_SHARE = 0.05  # of control bytes; random bytes have 0.09, with a standard deviation of 0.005 in 4 KiB
WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
SOME = 64  # bytes; of fewer no share is told

MAGIC = [
    (name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("a PDF file", rb"%PDF-"),
        ("a zip archive (or a file of a format built on it: docx, epub, jar)", rb"PK(\x03\x04|\x05\x06|\x07\x08)"),
        ("gzip data", rb"\x1f\x8b\x08"),
        ("bzip2 data", rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
        ("xz data", rb"\xfd7zXZ\0"),
        ("zstd data", rb"\x28\xb5\x2f\xfd"),
        ("LZ4 data", rb"[\x04\x02\x03]\x22?\x4d\x18|\x02\x21\x4c\x18"),
        ("compress (.Z) data", rb"\x1f[\x9d\xa0]"),
        ("a 7z archive", rb"7z\xbc\xaf\x27\x1c"),
        ("a RAR archive", rb"Rar!\x1a\x07"),
        ("a tar archive", rb".{257}ustar[\0 ]"),
        ("an ar archive (a static library, a Debian package)", rb"!<arch>\n"),
        ("a cabinet archive", rb"MSCF\0\0\0\0"),
        ("a PNG image", rb"\x89PNG"),
        ("a GIF image", rb"GIF8[79]a"),
        ("a JPEG image", rb"\xff\xd8\xff"),
        ("a WebP image", rb"RIFF.{4}WEBP"),
        ("a BMP image", rb"BM.{4}\0\0\0\0.{2}\0\0"),
        ("a TIFF image", rb"II\*\0|MM\0\*"),
        ("an icon", rb"\0\0\x01\0[^\0]\0"),
        ("a Photoshop image", rb"8BPS\0\x01"),
        ("a DjVu document", rb"AT&TFORM.{4}DJV"),
        ("an Office document (OLE)", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("an RTF document", rb"\{\\rtf\d"),
        ("a PostScript document", rb"(\x1b%-12345X.{0,200})?%!PS-"),
        ("a WAVE or AVI file", rb"RIFF.{4}(WAVE|AVI )"),
        ("an Ogg file", rb"OggS\0"),
        ("an MP3 file", rb"ID3[\x02-\x04]\0"),
        ("a FLAC file", rb"fLaC\0"),
        ("a MIDI file", rb"MThd\0\0\0\x06"),
        ("an MP4 file", rb"\0\0\0.ftyp"),
        ("a Matroska or WebM file", rb"\x1a\x45\xdf\xa3"),
        ("a Flash file", rb"[FCZ]WS[\x01-\x30].{3}\0"),
        ("a font", rb"\0\x01\0\0\0.{3}|OTTO\0|wOF[F2]"),
        ("an ELF program or library", rb"\x7fELF"),
        ("a Windows program", rb"MZ.{56,60}\0\0"),
        ("a Mach-O program", rb"\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe"),
        ("a WebAssembly module", rb"\0asm"),
        ("an SQLite database", rb"SQLite format 3\0"),
        ("a gettext catalogue (.mo)", rb"\xde\x12\x04\x95|\x95\x04\x12\xde"),
        ("a Parquet file", rb"PAR1.*[\0-\x08\x0e-\x1f]"),
        ("an Arrow file", rb"ARROW1\0\0"),
        ("an Avro file", rb"Obj\x01"),
        ("an HDF5 file", rb"\x89HDF\r\n"),
        ("a NumPy array", rb"\x93NUMPY"),
        ("a GGUF model", rb"GGUF[\x01-\x08]\0\0\0"),
        ("a git pack", rb"PACK\0\0\0[\x02\x03]"),
        ("a pickle", rb"\x80[\x02-\x05]([\x8c\x95}\](K]|c[A-Za-z_])"),
    )
]
ANY = re.compile(b"|".join(b"(?:%s)" % pattern.pattern for _, pattern in MAGIC), re.DOTALL)
MARKED = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")  # byte order marks: text by its own word


def binary_kind(head: bytes) -> str | None:
    """What the bytes begin, such as `a PDF file`; `binary data` for what is no text and has no name; None for text.

    Args:
        head: the first bytes of the content; of more than 4096 the rest is not looked at.
    """
    head = head[:HEAD]
    if head[:1] == b"<" or head.startswith(MARKED):
        return None
    if ANY.match(head):
        return next(name for name, pattern in MAGIC if pattern.match(head))
    return "binary data" if looks_binary(head) else None


def looks_binary(sample: bytes) -> bool:
    """Whether bytes have more control characters than text has, and are no UTF-16 or UTF-32 either."""
    from tasks.kernels.utf8 import has_controls

    sample = sample[:HEAD]
    if len(sample) < SOME or not has_controls(np.frombuffer(sample, np.uint8)):
        return False
    controls = len(sample) - len(sample.translate(None, CONTROLS))
    if controls <= BINARY_SHARE * len(sample):
        return False
    return not any(_is_text_in(sample, charset) for charset in WIDE)


def _is_text_in(sample: bytes, charset: str) -> bool:
    """Whether the sample decodes, and to characters that mean something.

    Of random bytes, one unit of UTF-16 in 32 is a surrogate, nearly always a lone one.
    """
    try:
        text = sample[: len(sample) // 4 * 4].decode(charset)
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 8:  # else the sample's end cuts a pair
            return False
        text = sample[: error.start].decode(charset)
    odd = sum(unicodedata.category(character) in ("Cc", "Cn", "Co") for character in text if character not in "\t\n\r")
    return odd <= BINARY_SHARE * len(text)
