"""Documents, written by LibreOffice, pandoc, openpyxl, python-docx, python-pptx, xlwt and others."""

from typing import Final

from file_types.sample import sample

_OOXML: Final = "application/vnd.openxmlformats-officedocument."
_OPEN: Final = "application/vnd.oasis.opendocument."


def _office(kind: str, source: str, export: str = "") -> str:
    """Return a line that has LibreOffice convert a file."""
    return (
        f"cp $B/{source} in.{source.rpartition('.')[2]} && flock $B/office.lock soffice -env:UserInstallation=file://$B/office --headless"
        f" --convert-to '{kind}{export and ':' + export}' in.* > /dev/null 2>&1 && mv in.{kind} $O"
    )


def _pandoc(kind: str) -> str:
    return f"pandoc -s -t {kind} $B/text.md -o $O"


SAMPLES: Final = (
    sample("PDF", "pdf", "application/pdf application/x-pdf", "LibreOffice", _office("pdf", "page.html")),
    sample("PDF of Ghostscript", "pdf ai", "application/pdf", "Ghostscript",
        "gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -o $O $B/page.ps"),
    sample("PDF of Pillow", "pdf", "application/pdf", "Pillow",
        "$PY -c \"import sys; from PIL import Image; Image.open(sys.argv[1]).convert('RGB').save(sys.argv[2],'pdf')\" $B/picture.png $O"),
    sample("PDF behind a byte order mark", "pdf", "application/pdf", "Ghostscript",
        "gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -o x.pdf $B/page.ps && (printf '\\357\\273\\277'; cat x.pdf) > $O"),
    sample("PDF behind other bytes", "pdf", "application/pdf", "Ghostscript",
        "gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -o x.pdf $B/page.ps && (printf '\\n\\nJUNK\\n'; cat x.pdf) > $O"),
    sample("PDF of text alone behind a byte order mark", "pdf", "application/pdf", "specification",
        lambda: b"\xef\xbb\xbf%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n",
        source="ISO 32000-1, 7.5; annex H, note 13"),
    sample("PostScript", "ps", "application/postscript", "groff", "groff -Tps $B/page.roff > $O"),
    sample("XPS", "xps oxps", "application/vnd.ms-xpsdocument application/oxps", "Ghostscript",
        "gs -q -dBATCH -dNOPAUSE -sDEVICE=xpswrite -o $O $B/page.ps"),
    sample("DVI", "dvi", "application/x-dvi", "groff", "groff -Tdvi $B/page.roff > $O"),
    sample("ODT", "odt ott", f"{_OPEN}text", "LibreOffice", _office("odt", "page.html", "writer8")),
    sample("ODT of pandoc", "odt", f"{_OPEN}text", "pandoc", _pandoc("odt")),
    sample("ODT of odfpy", "odt", f"{_OPEN}text", "odfpy",
        "$PY -c \"import sys; from odf.opendocument import OpenDocumentText as T; T().save(sys.argv[1])\" $O"),
    sample("OTT", "ott odt", f"{_OPEN}text-template", "LibreOffice", _office("ott", "page.html", "writer8_template")),
    sample("flat ODT", "fodt xml", f"{_OPEN}text-flat-xml", "LibreOffice", _office("fodt", "page.html", "OpenDocument Text Flat XML")),
    sample("ODS", "ods ots", f"{_OPEN}spreadsheet", "LibreOffice", _office("ods", "table.csv")),
    sample("OTS", "ots ods", f"{_OPEN}spreadsheet-template", "LibreOffice", _office("ots", "table.csv", "calc8_template")),
    sample("ODP", "odp otp", f"{_OPEN}presentation", "LibreOffice", _office("odp", "slides.pptx")),
    sample("ODG", "odg otg", f"{_OPEN}graphics", "odfpy",
        "$PY -c \"import sys; from odf.opendocument import OpenDocumentDrawing as D; D().save(sys.argv[1])\" $O"),
    sample("ODF of a formula", "odf", f"{_OPEN}formula", "odfpy",
        "$PY -c \"import sys; from odf.opendocument import OpenDocument as D; D('application/vnd.oasis.opendocument.formula').save(sys.argv[1])\" $O"),
    sample("DOCX", "docx docm dotx", f"{_OOXML}wordprocessingml.document", "LibreOffice", _office("docx", "page.html", "MS Word 2007 XML")),
    sample("DOCX of python-docx", "docx", f"{_OOXML}wordprocessingml.document", "python-docx",
        "$PY -c \"import sys,docx; d=docx.Document(); d.add_paragraph('text'); d.save(sys.argv[1])\" $O"),
    sample("DOCX of pandoc", "docx", f"{_OOXML}wordprocessingml.document", "pandoc", _pandoc("docx")),
    sample("DOCX behind a large picture", "docx", f"{_OOXML}wordprocessingml.document", "zip",
        "mkdir -p d && cd d && pandoc -s $B/text.md -o ../x.docx && unzip -q ../x.docx && head -c 150000 /dev/zero | openssl enc -aes-128-ctr -K 0 -iv 0 2>/dev/null > word/media.bin "
        "&& zip -qX0 out.zip word/media.bin && zip -qXr out.zip . -x out.zip && mv out.zip $O"),
    sample("DOTX", "dotx docx", f"{_OOXML}wordprocessingml.template", "python-docx",
        "$PY -c \"import sys,docx; d=docx.Document(); d.part._content_type=d.part._content_type.replace('document.main','template.main'); d.save(sys.argv[1])\" $O"),
    sample("DOCM", "docm", "application/vnd.ms-word.document.macroenabled.12", "python-docx",
        "$PY -c \"import sys,docx; d=docx.Document(); d.part._content_type='application/vnd.ms-word.document.macroEnabled.main+xml'; d.save(sys.argv[1])\" $O"),
    sample("XLSX", "xlsx xlsm xltx", f"{_OOXML}spreadsheetml.sheet", "openpyxl",
        "$PY -c \"import sys,openpyxl; w=openpyxl.Workbook(); w.active.append([1,2]); w.save(sys.argv[1])\" $O"),
    sample("XLSX of 6,000 rows", "xlsx", f"{_OOXML}spreadsheetml.sheet", "openpyxl",
        "$PY -c \"import sys,openpyxl; w=openpyxl.Workbook(write_only=True); s=w.create_sheet(); "
        "[s.append([n,n*n%9973,'row %d'%n,n/7]) for n in range(6000)]; w.save(sys.argv[1])\" $O"),
    sample("XLSX of LibreOffice", "xlsx", f"{_OOXML}spreadsheetml.sheet", "LibreOffice", _office("xlsx", "table.csv")),
    sample("XLSM", "xlsm", "application/vnd.ms-excel.sheet.macroenabled.12", "openpyxl",
        "$PY -c \"import sys,openpyxl; w=openpyxl.Workbook(); w.save('a.xlsx'); w=openpyxl.load_workbook('a.xlsx',keep_vba=True); w.save(sys.argv[1])\" $O"),
    sample("XLTX", "xltx xlsx", f"{_OOXML}spreadsheetml.template", "openpyxl",
        "$PY -c \"import sys,openpyxl; w=openpyxl.Workbook(); w.template=True; w.save(sys.argv[1])\" $O"),
    sample("PPTX", "pptx pptm ppsx potx", f"{_OOXML}presentationml.presentation", "python-pptx", "cp $B/slides.pptx $O"),
    sample("PPTX of pandoc", "pptx", f"{_OOXML}presentationml.presentation", "pandoc", _pandoc("pptx")),
    sample("PPSX", "ppsx pptx", f"{_OOXML}presentationml.slideshow", "python-pptx",
        "$PY -c \"import sys,pptx; p=pptx.Presentation(); p.part._content_type=p.part._content_type.replace('presentation.main','slideshow.main'); p.save(sys.argv[1])\" $O"),
    sample("DOC", "doc dot", "application/msword", "LibreOffice", _office("doc", "page.html", "MS Word 97")),
    sample("XLS", "xls xlt", "application/vnd.ms-excel", "xlwt",
        "$PY -c \"import sys,xlwt; w=xlwt.Workbook(); w.add_sheet('a').write(0,0,1); w.save(sys.argv[1])\" $O"),
    sample("XLS of LibreOffice", "xls", "application/vnd.ms-excel", "LibreOffice", _office("xls", "table.csv", "MS Excel 97")),
    sample("PPT", "ppt pps pot", "application/vnd.ms-powerpoint", "LibreOffice", _office("ppt", "slides.pptx", "MS PowerPoint 97")),
    sample("DOCX with a password", "docx", f"{_OOXML}wordprocessingml.document application/x-tika-ooxml-protected", "msoffcrypto-tool",
        "pandoc -s $B/text.md -o x.docx && $PY -m msoffcrypto -e -p secret x.docx $O"),
    sample("XLSX with a password", "xlsx xlsm", f"{_OOXML}spreadsheetml.sheet", "msoffcrypto-tool",
        "$PY -c \"import openpyxl; openpyxl.Workbook().save('x.xlsx')\" && $PY -m msoffcrypto -e -p secret x.xlsx $O"),
    sample("PPTX with a password", "pptx", f"{_OOXML}presentationml.presentation", "msoffcrypto-tool",
        "$PY -m msoffcrypto -e -p secret $B/slides.pptx $O"),
    sample("RTF", "rtf doc", "application/rtf text/rtf application/msword", "LibreOffice", _office("rtf", "page.html", "Rich Text Format")),
    sample("RTF of pandoc", "rtf", "application/rtf text/rtf", "pandoc", _pandoc("rtf")),
    sample("EPUB", "epub", "application/epub+zip", "pandoc", _pandoc("epub3")),
    sample("EPUB 2", "epub", "application/epub+zip", "pandoc", _pandoc("epub2")),
    sample("EPUB of LibreOffice", "epub", "application/epub+zip", "LibreOffice", _office("epub", "page.odt")),
    sample("FictionBook", "fb2 xml", "application/x-fictionbook+xml text/xml application/xml", "pandoc", _pandoc("fb2")),
    sample("compressed FictionBook", "fbz zip", "application/x-zip-compressed-fb2 application/zip", "zip",
        "pandoc -s -t fb2 $B/text.md -o book.fb2 && zip -qX out.zip book.fb2 && mv out.zip $O"),
    sample("Mobipocket", "mobi prc azw azw3", "application/x-mobipocket-ebook", "specification",
        lambda: b"A_book".ljust(32, b"\0") + bytes(28) + b"BOOKMOBI" + bytes(8) + b"\0\x01\0\0\0\x60\0\0\0\0" + bytes(8)
        + b"\0\x02\0\0\0\0\0\0\0\0\0\x01\0\0\0\0MOBI" + bytes(200), source="https://wiki.mobileread.com/wiki/MOBI"),
    sample("ICML", "icml xml", "application/xml text/xml", "pandoc", _pandoc("icml")),
    sample("comic book", "cbz zip", "application/vnd.comicbook+zip application/x-cbz application/zip", "zip",
        "cp $B/picture.png 1.png && zip -qX out.zip 1.png && mv out.zip $O"),
    sample("3MF", "3mf", "model/3mf application/vnd.ms-package.3dmanufacturing-3dmodel+xml", "trimesh",
        "$PY -c \"import sys,trimesh; open(sys.argv[1],'wb').write(trimesh.Scene(trimesh.creation.box()).export(file_type='3mf'))\" $O"),
    sample("Visio", "vsdx", "application/vnd.ms-visio.drawing.main+xml application/vnd.visio", "zip",
        "mkdir -p d/visio && cd d && printf '<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>' > '[Content_Types].xml' && echo '<VisioDocument/>' > visio/document.xml "
        "&& zip -qX ../o.zip '[Content_Types].xml' visio/document.xml && mv ../o.zip $O", source="MS-VSDX 2.1"),
)  # fmt: skip
