"""Defines types of files that are only stored: their extensions, and libmagic's names of them.

A name may claim several types: ``.ts`` is a film or a source text. An extension that is in no table
claims nothing, and a file with such a name is never refused for its content. So an extension is
listed here only with everything that it may mean; ``bin``, ``dat``, ``db`` and ``img`` may mean too
much.
"""

from dataclasses import dataclass
from typing import Final

from tusd_py.domain.filetypes import PDF, FileType, by_extension


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherType:
    """Is a type that only its name and the rules of libmagic describe."""

    name: str
    media_types: tuple[str, ...]
    """As libmagic names them, in lower case. Its rules for them look at 24 bits or more."""
    extensions: tuple[str, ...]


def _type(name: str, media_types: str, extensions: str) -> OtherType:
    return OtherType(
        name=name, media_types=tuple(media_types.split()), extensions=tuple(extensions.split())
    )


TEXT: Final = _type(
    "text",
    "",  # Our own code recognises texts: libmagic takes many for what their first words are.
    "txt text log md markdown rst adoc asciidoc org tex latex bib csv tsv tab json jsonl ndjson"
    " geojson ipynb xml html htm xhtml css scss less js mjs cjs jsx ts mts cts tsx py pyi rb pl pm"
    " php java kt c h cc cpp cxx hpp hxx cs go rs swift scala lua r sh bash zsh bat cmd ps1 sql"
    " yaml yml toml ini cfg conf properties env srt vtt ass ssa lrc m3u m3u8 mpd pls cue ics vcf"
    " eml mbox po pot diff patch svg gpx kml rss atom opml fb2 rtf reg asc plist gcode"
    " nc mod dif dot doc xls mo mat vhd hdr fits fit fts ppm pgm pbm pnm pam",
)
"""Some of these mean something else, too. ``mod`` is also a list of Go modules, ``nc`` a program of
a milling machine, ``dot`` a graph, ``mo`` a model, ``vhd`` a circuit, ``hdr`` a description of a
map; office programs write RTF and HTML under ``doc`` and ``xls``; FITS begins as a text, and
portable maps may be one."""
COMPOUND: Final = _type(
    "compound file",
    "",  # By its first eight bytes: see ``COMPOUND_START``.
    "doc dot xls xlt xla ppt pps pot msi mpp vsd docx docm dotx xlsx xlsm xltx pptx pptm ppsx",
)
"""Older documents of Microsoft Office, and all that have a password (MS-OFFCRYPTO 2.3).

They are not distinguished: what they are is written behind their beginning.
"""
COMPOUND_START: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""First bytes of a compound file. Source: MS-CFB 2.2."""

OTHER_TYPES: Final = (
    TEXT,
    COMPOUND,
    _type(
        "Windows program",
        "application/vnd.microsoft.portable-executable",
        "exe dll ocx cpl drv efi mui ax",
    ),
    _type(
        "ELF",
        "application/x-executable application/x-pie-executable application/x-sharedlib"
        " application/x-coredump",
        "elf ko axf prx",
    ),
    _type("Mach-O", "application/x-mach-binary", "macho dylib"),
    _type("Java class", "application/x-java-applet", "class dylib"),
    _type("shortcut", "application/x-ms-shortcut", "lnk"),
    _type("Windows help", "application/vnd.ms-htmlhelp", "chm chi"),
    _type("Flash", "application/x-shockwave-flash", "swf"),
    _type("tar", "application/x-tar application/x-gtar application/x-ustar", "tar ova"),
    _type("bzip2", "application/x-bzip2", "bz2 tbz tbz2"),
    _type("xz", "application/x-xz", "xz txz"),
    _type("Zstandard", "application/zstd", "zst zstd tzst"),
    _type("LZ4", "application/x-lz4", "lz4"),
    _type("lzip", "application/x-lzip", "lz"),
    _type("lzop", "application/x-lzop", "lzo"),
    _type("Debian package", "application/vnd.debian.binary-package", "deb udeb"),
    _type("RPM", "application/x-rpm", "rpm"),
    _type(
        "disk image",
        "application/x-iso9660-image application/x-qemu-disk application/x-virtualbox-vhd",
        "iso qcow2 vhd",
    ),
    _type("ACE", "application/x-ace-compressed", "ace"),
    _type(
        "SQLite",
        "application/vnd.sqlite3 application/x-sqlite3 application/geopackage+sqlite3",
        "sqlite sqlite3 db3 s3db gpkg mbtiles",
    ),
    _type("HDF5", "application/x-hdf5 application/x-hdf", "h5 hdf5 hdf he5 nc nc4 mat"),
    _type("NetCDF", "application/x-netcdf", "nc"),
    _type("Parquet", "application/vnd.apache.parquet", "parquet"),
    _type("Arrow", "application/vnd.apache.arrow.file", "arrow feather"),
    _type("MATLAB", "application/x-matlab-data", "mat"),
    _type("Access", "application/x-msaccess", "mdb accdb"),
    _type("Outlook store", "application/vnd.ms-outlook", "pst ost"),
    _type(
        "font",
        "font/sfnt font/ttf font/otf font/collection application/vnd.ms-opentype",
        "ttf otf ttc otc dfont",
    ),
    _type("WOFF", "font/woff font/woff2", "woff woff2"),
    _type("Type 1", "font/x-postscript-pfb", "pfb"),
    _type("Mobipocket", "application/x-mobipocket-ebook", "mobi prc azw azw3"),
    _type("torrent", "application/x-bittorrent", "torrent"),
    _type("pcap", "application/vnd.tcpdump.pcap application/x-pcapng", "pcap pcapng"),
    _type("DICOM", "application/dicom", "dcm dicom"),
    _type("Blender", "application/x-blender", ""),
    _type("glTF", "model/gltf-binary", "glb"),
    _type("message catalog", "application/x-gettext-translation", "mo gmo"),
    _type("DjVu", "image/vnd.djvu", "djvu djv"),
    _type("DWG", "image/vnd.dwg", "dwg"),
    _type("GIMP", "image/x-xcf", "xcf"),
    _type("icons of a Mac", "image/x-icns", "icns"),
    _type("FITS", "image/fits", "fits fit fts"),
    _type(
        "portable map",
        "image/x-portable-pixmap image/x-portable-greymap image/x-portable-graymap"
        " image/x-portable-bitmap image/x-portable-arbitrarymap",
        "ppm pgm pbm pnm pam",
    ),
    _type("DPX", "image/x-dpx", "dpx"),
    _type("QOI", "image/x-qoi", "qoi"),
    _type("Radiance", "image/vnd.radiance", "hdr"),
    _type("WMF", "image/wmf", "wmf"),
    _type("MNG", "video/x-mng video/x-jng", "mng jng"),
    _type("animated cursor", "application/x-navi-animation", "ani"),
    _type("music of samples", "audio/x-mod audio/x-s3m", "mod xm it s3m mtm"),
    _type("SoundFont", "audio/x-sfbk", "sf2 sf3"),
    _type("Musepack", "audio/x-musepack", "mpc"),
    _type("DSD", "audio/x-dsf audio/x-dff", "dff"),
    _type("property list", "application/x-bplist", "plist"),
    _type("keys of Java", "application/x-java-keystore", "jks keystore"),
    _type("OneNote", "application/onenote", "one"),
    _type("LHA", "application/x-lzh-compressed application/x-lha", "lzh lha"),
    _type("OpenEXR", "image/x-exr", "exr"),
)

Kind = FileType | OtherType

_BY_MEDIA_TYPE: Final[dict[str, Kind]] = {
    **{name: kind for kind in OTHER_TYPES for name in kind.media_types},
    PDF.mime: PDF,
}


def by_media_type(media_type: str) -> Kind | None:
    """Return the type that libmagic names so; None if it says nothing of use."""
    return _BY_MEDIA_TYPE.get(media_type.lower())


def claimed_by(ext: str) -> tuple[Kind, ...]:
    """Return the types that an extension (without the dot, lower case) may mean; none: unknown."""
    known = by_extension(ext)
    others = tuple(kind for kind in OTHER_TYPES if ext in kind.extensions)
    return others if known is None else (known, *others)
