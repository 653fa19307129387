"""Kinds that no program at hand writes, byte for byte by their specifications."""

from typing import Final

from file_types.sample import sample
from support import kinds

_NIKON: Final = b"NIKON CORPORATION\0"
_TIFF: Final = "TIFF 6.0; the maker's tags by https://exiftool.org/TagNames/"

SAMPLES: Final = (
    sample("CR2", "cr2 tif", "image/x-canon-cr2", "specification", lambda: b"II*\0\x10\0\0\0CR\x02\0" + bytes(4) + bytes(200), family="image", source="http://lclevy.free.fr/cr2/"),
    sample("CR3", "cr3", "image/x-canon-cr3", "specification", lambda: b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + b"\0\0\0\x10moov" + bytes(8), family="image", source="https://github.com/lclevy/canon_cr3"),
    sample("CRW", "crw", "image/x-canon-crw", "specification", lambda: b"II\x1a\0\0\0HEAPCCDR" + bytes(50), family="image", source="CIFF 1.0"),
    sample("NEF", "nef nrw tif", "image/x-nikon-nef", "specification", lambda: kinds.tiff((254, 4, 1, 1), (271, 2, 18, _NIKON), (330, 4, 2, 0), little=False), family="image", source=_TIFF),
    sample("ARW", "arw sr2 tif", "image/x-sony-arw", "specification", lambda: kinds.tiff((254, 4, 1, 1), (271, 2, 5, b"SONY\0"), (330, 4, 1, 0)), family="image", source=_TIFF),
    sample("PEF", "pef tif", "image/x-pentax-pef", "specification", lambda: kinds.tiff((259, 3, 1, 65535), (271, 2, 7, b"PENTAX\0")), family="image", source=_TIFF),
    sample("SRW", "srw tif", "image/x-samsung-srw", "specification", lambda: kinds.tiff((259, 3, 1, 32770), (271, 2, 8, b"SAMSUNG\0")), family="image", source=_TIFF),
    sample("raw of Hasselblad", "3fr fff tif", "image/x-hasselblad-3fr image/x-dcraw", "specification", lambda: kinds.tiff((262, 3, 1, 32803), (271, 2, 11, b"Hasselblad\0")), family="image", source=_TIFF),
    sample("NEF without a full directory", "nef tif", "image/x-nikon-nef", "specification", lambda: kinds.tiff((254, 4, 1, 0)), family="image", source=_TIFF),
    sample("RAF", "raf", "image/x-fuji-raf", "specification", lambda: b"FUJIFILMCCD-RAW 0201FF389501X-T1".ljust(200, b"\0"), family="image", source="https://libopenraw.freedesktop.org/formats/raf/"),
    sample("ORF", "orf", "image/x-olympus-orf", "specification", lambda: b"IIRO\x08\0\0\0" + bytes(100), family="image", source="https://libopenraw.freedesktop.org/formats/orf/"),
    sample("RW2", "rw2 raw rwl", "image/x-panasonic-rw2", "specification", lambda: b"IIU\0\x18\0\0\0" + bytes(100), family="image", source="https://libopenraw.freedesktop.org/formats/rw2/"),
    sample("X3F", "x3f", "image/x-sigma-x3f", "specification", lambda: b"FOVb\x03\0\x02\0" + bytes(100), family="image", source="https://www.x3f.info/"),
    sample("Monkey's Audio", "ape", "audio/x-ape audio/ape", "specification", lambda: b"MAC \x96\x0f\0\0\x34\0\0\0\x18\0\0\0\x08\0\0\0\x2c\0\0\0\0\0\0\0" + bytes(120), family="audio", source="Monkey's Audio SDK, APE_DESCRIPTOR"),
    sample("Monkey's Audio behind ID3", "ape", "audio/x-ape", "specification", lambda: kinds.tag(3000) + b"MAC \x96\x0f\0\0\x34\0\0\0\x18\0\0\0\x08\0\0\0\x2c\0\0\0\0\0\0\0" + bytes(120), family="audio", source="Monkey's Audio SDK, APE_DESCRIPTOR"),
    sample("Musepack", "mpc", "audio/x-musepack audio/musepack", "specification", lambda: b"MPCKSH\x0f\0\0\0\0\x08\0\0\0\0\0" + bytes(60), source="Musepack SV8"),
    sample("DSF", "dsf", "audio/x-dsf", "specification", lambda: b"DSD \x1c\0\0\0\0\0\0\0" + bytes(16) + b"fmt \x34" + bytes(60), source="DSF File Format Specification 1.01"),
    sample("DSDIFF", "dff", "audio/x-dff audio/dsd", "specification", lambda: b"FRM8\0\0\0\0\0\0\0\x40DSD FVER" + bytes(60), source="DSDIFF 1.5"),
    sample("ProTracker", "mod", "audio/x-mod audio/mod", "specification", lambda: b"song".ljust(1080, b"\0") + b"M.K." + bytes(1024), source="ProTracker module, M.K."),
    sample("FastTracker", "xm", "audio/x-xm audio/xm", "specification", lambda: b"Extended Module: a".ljust(37) + b"\x1aFastTracker v2.00   \x04\x01\x14\x01\0\0" + bytes(270), source="The XM module format 1.04"),
    sample("ScreamTracker", "s3m", "audio/x-s3m audio/s3m", "specification", lambda: b"a".ljust(28, b"\0") + b"\x1a\x10\0\0" + bytes(12) + b"SCRM" + bytes(60), source="ScreamTracker 3 technical manual"),
    sample("Impulse Tracker", "it", "audio/x-it", "specification", lambda: b"IMPMa".ljust(30, b"\0") + bytes(170), source="ITTECH.TXT"),
    sample("GIMP", "xcf", "image/x-xcf image/x-compressed-xcf", "specification", lambda: b"gimp xcf v011\0\0\0\0\x08\0\0\0\x08\0\0\0\0" + bytes(60), source="GIMP devel-docs, xcf.txt"),
    sample("Krita", "kra zip", "application/x-krita", "specification", lambda: kinds.archive_of({"mimetype": b"application/x-krita", "maindoc.xml": b"<DOC/>"}), source="Krita file format: a ZIP archive with mimetype first"),
    sample("OpenRaster", "ora zip", "image/openraster", "specification", lambda: kinds.archive_of({"mimetype": b"image/openraster", "stack.xml": b"<image/>"}), source="OpenRaster 0.0.6"),
    sample("Sketch", "sketch zip", "application/zip application/octet-stream", "specification", lambda: kinds.archive_of({"document.json": b"{}", "meta.json": b"{}"}), source="Sketch file format"),
    sample("Pages", "pages zip", "application/vnd.apple.pages application/x-iwork-pages-sffpages", "specification", lambda: kinds.archive_of({"Index/Document.iwa": b"\0", "Metadata/Properties.plist": b"x"}), source="iWork: a ZIP archive with Index/"),
    sample("DWG", "dwg", "image/vnd.dwg application/acad application/x-dwg", "specification", lambda: b"AC1032\0\0\0\0\0" + bytes(200), source="Open Design Specification for .dwg, 3.2"),
    sample("FBX", "fbx", "application/octet-stream", "specification", lambda: b"Kaydara FBX Binary  \0\x1a\0\xe8\x1c\0\0" + bytes(60), source="https://code.blender.org/2013/08/fbx-binary-file-format-specification/"),
    sample("InDesign", "indd", "application/x-indesign", "specification", lambda: b"\x06\x06\xed\xf5\xd8\x1d\x46\xe5\xbd\x31\xef\xe7\xfe\x74\xb7\x1dDOCUMENT\x01p\x0f" + bytes(100), source="Adobe XMP specification, part 3, InDesign"),
    sample("OneNote", "one", "application/onenote application/msonenote", "specification", lambda: b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3" + bytes(200), source="MS-ONESTORE 2.3.1"),
    sample("Windows recording", "wrf arf", "application/octet-stream", "specification", lambda: b"WOTF" + bytes(200), source="WebEx recording, header"),
    sample("MP4 of an unknown brand", "mp4 m4v", "video/mp4", "specification", lambda: kinds.box_file(b"zzzz", b"yyyy"), source="ISO/IEC 14496-12, 4.3: readers may ignore brands"),
    sample("EBML of another kind", "mkv", "video/x-matroska", "specification", lambda: b"\x1a\x45\xdf\xa3\x8c\x42\x82\x89matroskax" + bytes(50), source="RFC 8794, 11.2.6"),
    sample("Ogg of an unknown codec", "ogg ogx", "application/ogg audio/ogg", "specification", lambda: b"OggS\0\x02" + bytes(20) + b"\x01\x08CMMLnone" + bytes(50), family="audio", source="RFC 3533, 6"),
    sample("RIFF of another kind", "ani", "application/x-navi-animation", "specification", lambda: b"RIFF\x40\0\0\0ACONanih\x24\0\0\0" + bytes(50), source="Microsoft Multimedia Programming Interface: ANI"),
    sample("SoundFont", "sf2", "audio/x-soundfont audio/x-sfbk", "specification", lambda: b"RIFF\x40\0\0\0sfbkLIST\x20\0\0\0INFO" + bytes(50), source="SoundFont 2.04"),
    sample("MIDI in RIFF", "rmi mid", "audio/midi audio/x-rmid", "specification", lambda: b"RIFF\x24\0\0\0RMIDdata\x18\0\0\0MThd\0\0\0\x06\0\x01\0\x01\0\x60MTrk\0\0\0\x04\0\xff\x2f\0", family="audio", source="RP-029"),
    sample("ILBM", "ilbm lbm iff", "image/x-ilbm", "specification", lambda: b"FORM\0\0\0\x30ILBMBMHD\0\0\0\x14" + bytes(40), source="EA IFF 85: ILBM"),
    sample("Motion JPEG 2000", "mj2 mjp2", "video/mj2", "specification", lambda: b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypmjp2\0\0\0\0mjp2" + bytes(30), family="video", source="ISO/IEC 15444-3"),
    sample("JPX", "jpx jpf jp2", "image/jpx", "specification", lambda: b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjpx \0\0\0\0jpx " + bytes(30), family="image", source="ISO/IEC 15444-2"),
    sample("QuickTime of an old camera", "mov qt", "video/quicktime", "specification", lambda: b"\0\0\0\x08wide\0\0\x01\0mdat" + b"\x77" * 248 + b"\0\0\0\x20moov\0\0\0\x18mvhd" + bytes(16), family="video", source="QuickTime File Format, atoms without ftyp"),
    sample("RealAudio", "ra ram rm", "audio/x-pn-realaudio audio/x-realaudio", "specification", lambda: b".ra\xfd\0\x03\0\x3a" + bytes(100), family="video", source="https://wiki.multimedia.cx/index.php/RealMedia"),
    sample("FLV with sound alone", "flv", "video/x-flv", "specification", lambda: b"FLV\x01\x04\0\0\0\x09\0\0\0\0\x08\0\0\x02" + bytes(60), family="video", source="Adobe Flash Video File Format 10.1, annex E"),
)  # fmt: skip
