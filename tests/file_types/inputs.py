"""Makes the files from which the makers make theirs."""

import subprocess
from pathlib import Path

from support import kinds

_TEXT = "---\ntitle: A title\nauthor: An author\n---\n\n# A heading\n\nA *paragraph* of text with a list:\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
_LINES = (
    "convert -size 64x48 gradient:red-blue $B/picture.png",
    "convert $B/picture.png $B/photo.jpg",
    "convert $B/picture.png ppm:$B/picture.ppm",
    "ffmpeg -v error -bitexact -f lavfi -i sine=440:d=0.6 $B/sound.wav",
    "groff -Tps $B/page.roff > $B/page.ps",
    "pandoc -s $B/text.md -o $B/page.odt",
    "javac -d $B $B/Hello.java",
    "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=a -days 9 -keyout $B/key.pem -out $B/cert.pem",
    "sqlite3 $B/a.sqlite 'create table a(b); insert into a values (1)'",
    "cp $($PY -c 'import pip._vendor.distlib as d, os; print(os.path.dirname(d.__file__))')/t64.exe $B/program.exe",
    "$PY -c \"import pptx; p=pptx.Presentation(); p.slides.add_slide(p.slide_layouts[0]); p.save('$B/slides.pptx')\"",
    '$PY -c "from fontTools.fontBuilder import FontBuilder as F; from fontTools.pens.t2CharStringPen import T2CharStringPen as P;'
    " f=F(1000,isTTF=False); f.setupGlyphOrder(['.notdef']); f.setupCharacterMap({}); f.setupCFF('a',{},{'.notdef':P(500,None).getCharString()},{});"
    " f.setupHorizontalMetrics({'.notdef':(500,0)}); f.setupHorizontalHeader(ascent=800,descent=-200);"
    " f.setupNameTable({'familyName':'a','styleName':'b','psName':'a'}); f.setupOS2(); f.setupPost(); f.save('$B/font.otf')\"",
)


def make_inputs(base: Path, environment: dict[str, str]) -> None:
    """Write all inputs into the folder ``base``. Raises: CalledProcessError."""
    texts = {
        "text.md": _TEXT,
        "long.txt": "a line that is repeated\n" * 500,
        "page.html": "<html><head><title>A</title></head><body><h1>Heading</h1><p>Text</p></body></html>\n",
        "page.roff": ".TH A 1\n.SH NAME\na \\- text\n",
        "table.csv": "name;value\na;1\nb;2\n",
        "subtitles.srt": "1\n00:00:00,000 --> 00:00:01,000\nHello\n\n2\n00:00:01,000 --> 00:00:02,000\nWorld\n",
        "drawing.svg": '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><rect width="50" height="50" fill="red"/></svg>\n',
        "place.kml": '<?xml version="1.0"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark/></kml>\n',
        "tune.abc": "X:1\nT:A\nM:4/4\nL:1/4\nK:C\nCDEF|GABc|\n",
        "text.po": 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "a"\nmsgstr "b"\n',
        "hello.c": "int main(void) { return 0; }\n",
        "Hello.java": "public class Hello { public static void main(String[] a) { } }\n",
    }
    for name, text in texts.items():
        (base / name).write_text(text, "utf-8")
    (base / "tag.id3").write_bytes(kinds.tag(20_000))
    (base / "long.id3").write_bytes(kinds.tag(150_000))
    for line in _LINES:
        subprocess.run(line, shell=True, check=True, cwd=base, env=environment, capture_output=True)
