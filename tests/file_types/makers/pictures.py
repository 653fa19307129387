"""Pictures, written by ImageMagick, Pillow, libheif, libavif, libjxl, tifffile and others."""

from typing import Final

from file_types.sample import sample

_PIL: Final = (
    '$PY -c "import sys; from PIL import Image; Image.open(sys.argv[1]).{} " $B/picture.png $O'
)


def _magick(target: str, arguments: str = "") -> str:
    return f"convert $B/picture.png {arguments} {target}:$O"


SAMPLES: Final = (
    sample(
        "JPEG", "jpg jpeg jpe jfif", "image/jpeg image/jpg image/pjpeg", "ImageMagick",
        _magick("jpeg"), family="image"),
    sample(
        "JFIF", "jfif jpg jpeg", "image/jpeg image/pjpeg", "Pillow",
        _PIL.format("convert('RGB').save(sys.argv[2], 'jpeg', dpi=(72,72))"), family="image"),
    sample(
        "JPEG with Exif", "jpg jpeg", "image/jpeg", "exiftool",
        f"{_magick('jpeg')} && exiftool -q -overwrite_original -Make=Acme -Orientation=6 -n $O", family="image"),
    sample(
        "MPO", "mpo jpg jpeg", "image/mpo image/jpeg", "Pillow",
        "$PY -c \"import sys; from PIL import Image; a=Image.open(sys.argv[1]).convert('RGB'); "
        "a.save(sys.argv[2],'MPO',save_all=True,append_images=[a])\" $B/picture.png $O", family="image"),
    sample("PNG", "png", "image/png image/x-png", "ImageMagick", _magick("png"), family="image"),
    sample(
        "animated PNG", "apng png", "image/apng image/png image/vnd.mozilla.apng", "Pillow",
        "$PY -c \"import sys; from PIL import Image; a=Image.open(sys.argv[1]); "
        "a.save(sys.argv[2],'png',save_all=True,append_images=[a.rotate(90)])\" $B/picture.png $O",
        family="image"),
    sample("GIF", "gif", "image/gif", "ImageMagick", _magick("gif"), family="image"),
    sample("GIF87a", "gif", "image/gif", "ImageMagick", _magick("gif87"), family="image"),
    sample("WebP", "webp", "image/webp", "cwebp", "cwebp -quiet $B/picture.png -o $O", family="image"),
    sample("WebP, lossless", "webp", "image/webp", "cwebp", "cwebp -quiet -lossless $B/picture.png -o $O", family="image"),
    sample("BMP", "bmp dib", "image/bmp image/x-bmp image/x-ms-bmp", "ImageMagick", _magick("bmp"), family="image"),
    sample("BMP version 2", "bmp", "image/bmp", "ImageMagick", _magick("bmp2"), family="image"),
    sample("TIFF", "tif tiff", "image/tiff", "ImageMagick", _magick("tiff"), family="image"),
    sample("TIFF, other order", "tif tiff", "image/tiff", "ImageMagick", _magick("tiff", "-endian MSB"), family="image"),
    sample("BigTIFF", "tif tiff btf tf8", "image/tiff", "tifffile",
        "$PY -c \"import sys,numpy,tifffile; tifffile.imwrite(sys.argv[1],numpy.zeros((9,9),'u1'),bigtiff=True)\" $O",
        family="image"),
    sample("BigTIFF of ImageMagick", "tif tiff", "image/tiff", "ImageMagick", _magick("tiff64"), family="image"),
    sample("OME-TIFF", "tif tiff", "image/tiff", "tifffile",
        "$PY -c \"import sys,numpy,tifffile; tifffile.imwrite(sys.argv[1],numpy.zeros((3,9,9),'u1'),ome=True)\" $O",
        family="image"),
    sample("HEIC", "heic heif hif", "image/heic image/heif", "heif-enc", "heif-enc -q 50 $B/picture.png -o out.heic > /dev/null && mv out.heic $O", family="image"),
    sample("HEIF of Pillow", "heif heic", "image/heif image/heic", "pillow-heif",
        "$PY -c \"import sys,pillow_heif; from PIL import Image; pillow_heif.register_heif_opener(); "
        "Image.open(sys.argv[1]).save(sys.argv[2],'HEIF')\" $B/picture.png $O", family="image"),
    sample("HEIC sequence", "heics heic heif heifs", "image/heic-sequence image/heic", "specification",
        lambda: b"\0\0\0\x28ftypmsf1\0\0\0\0msf1hevcheicmif1iso8" + b"\0\0\0\x08free" + b"\0\0\0\x10mdat" + bytes(8),
        family="image", source="ISO/IEC 23008-12, annex B"),
    sample("AVIF", "avif", "image/avif", "avifenc", "avifenc -s 10 $B/picture.png out.avif > /dev/null && mv out.avif $O", family="image"),
    sample("AVIF of brand mif1", "avif heif", "image/avif image/heif", "avifenc",
        "avifenc -s 10 $B/picture.png out.avif > /dev/null && "
        "$PY -c \"import sys; d=open('out.avif','rb').read(); n=int.from_bytes(d[:4],'big'); "
        "open(sys.argv[1],'wb').write(d[:8]+b'mif1'+d[12:])\" $O", family="image"),
    sample("JPEG XL", "jxl", "image/jxl", "cjxl", "cjxl $B/picture.png out.jxl --quiet 2> /dev/null && mv out.jxl $O", family="image"),
    sample("JPEG XL in boxes", "jxl", "image/jxl", "cjxl", "cjxl $B/photo.jpg out.jxl --container=1 --quiet 2> /dev/null && mv out.jxl $O", family="image"),
    sample("JPEG 2000", "jp2", "image/jp2 image/jpeg2000", "OpenJPEG",
        "opj_compress -i $B/picture.ppm -o out.jp2 > /dev/null && mv out.jp2 $O", family="image"),
    sample("JPEG 2000 codestream", "j2k j2c jpc", "image/j2c image/x-jp2-codestream", "OpenJPEG",
        "opj_compress -i $B/picture.ppm -o out.j2k > /dev/null && mv out.j2k $O", family="image"),
    sample("Photoshop", "psd", "image/vnd.adobe.photoshop image/x-psd", "ImageMagick", _magick("psd"), family="image"),
    sample("Photoshop, large", "psb psd", "image/vnd.adobe.photoshop", "ImageMagick", _magick("psb"), family="image"),
    sample("icon", "ico", "image/vnd.microsoft.icon image/x-icon", "ImageMagick", _magick("ico", "-resize 32x32"), family="image"),
    sample("icon with PNG", "ico", "image/x-icon", "Pillow", _PIL.format("save(sys.argv[2], 'ico', sizes=[(32,32)])"), family="image"),
    sample("cursor", "cur ico", "image/x-win-bitmap image/vnd.microsoft.icon", "ImageMagick", _magick("cur", "-resize 32x32"), family="image"),
    sample("DNG", "dng tif tiff", "image/x-adobe-dng image/dng image/tiff", "tifffile",
        "$PY -c \"import sys,numpy,tifffile; tifffile.imwrite(sys.argv[1],numpy.zeros((16,16),'u2'),photometric='CFA',"
        "extratags=[(50706,1,4,(1,4,0,0),True),(50707,1,4,(1,1,0,0),True),(50708,2,0,'Acme',True),(33421,3,2,(2,2),True),(33422,1,4,(0,1,1,2),True)])\" $O",
        family="image"),
    sample("icns", "icns", "image/x-icns image/icns", "Pillow", _PIL.format("resize((128,128)).save(sys.argv[2], 'icns')")),
    sample("DDS", "dds", "image/vnd.ms-dds image/x-dds", "ImageMagick", _magick("dds")),
    sample("TGA", "tga vda icb vst", "image/x-tga image/x-targa", "ImageMagick", _magick("tga")),
    sample("PCX", "pcx", "image/vnd.zbrush.pcx image/x-pcx", "ImageMagick", _magick("pcx")),
    sample("DCX", "dcx", "image/x-dcx", "ImageMagick", _magick("dcx")),
    sample("PPM", "ppm pnm", "image/x-portable-pixmap", "ImageMagick", _magick("ppm")),
    sample("PGM", "pgm pnm", "image/x-portable-graymap", "ImageMagick", _magick("pgm")),
    sample("PBM", "pbm pnm", "image/x-portable-bitmap", "ImageMagick", _magick("pbm")),
    sample("PAM", "pam", "image/x-portable-arbitrarymap", "ImageMagick", _magick("pam")),
    sample("PFM", "pfm", "image/x-portable-floatmap", "ImageMagick", _magick("pfm")),
    sample("SGI", "sgi rgb", "image/sgi image/x-rgb", "ImageMagick", _magick("sgi")),
    sample("Sun raster", "ras sun", "image/x-sun-raster image/x-cmu-raster", "ImageMagick", _magick("sun")),
    sample("XBM", "xbm", "image/x-xbitmap image/x-xbm", "ImageMagick", _magick("xbm")),
    sample("XPM", "xpm", "image/x-xpixmap", "ImageMagick", _magick("xpm")),
    sample("XWD", "xwd", "image/x-xwindowdump", "ImageMagick", _magick("xwd")),
    sample("FITS", "fits fit fts", "image/fits application/fits", "ImageMagick", _magick("fits")),
    sample("DPX", "dpx", "image/dpx image/x-dpx", "ImageMagick", _magick("dpx")),
    sample("Cineon", "cin", "image/cineon", "ImageMagick", _magick("cin")),
    sample("Radiance", "hdr pic", "image/vnd.radiance", "ImageMagick", _magick("hdr")),
    sample("OpenEXR", "exr", "image/x-exr image/aces", "ffmpeg", "ffmpeg -v error -i $B/picture.png -pix_fmt gbrpf32le -c:v exr -f image2 -update 1 $O"),
    sample("PICT", "pict pct pic", "image/x-pict", "ImageMagick", _magick("pict")),
    sample("WBMP", "wbmp", "image/vnd.wap.wbmp", "ImageMagick", _magick("wbmp")),
    sample("MIFF", "miff", "image/x-miff", "ImageMagick", _magick("miff")),
    sample("MNG", "mng", "video/x-mng image/x-mng", "ImageMagick", _magick("mng")),
    sample("JNG", "jng", "image/x-jng", "ImageMagick", _magick("jng")),
    sample("VIFF", "viff xv", "image/x-viff", "ImageMagick", _magick("viff")),
    sample("VICAR", "vicar vic img", "image/x-vicar", "ImageMagick", _magick("vicar")),
    sample("JBIG", "jbg jbig", "image/jbig", "ImageMagick", _magick("jbig")),
    sample("Group 3 fax", "g3 fax", "image/g3fax", "ImageMagick", _magick("g3")),
    sample("Palm pixmap", "palm", "image/x-palm", "ImageMagick", _magick("palm")),
    sample("QOI", "qoi", "image/qoi image/x-qoi", "specification",
        lambda: b"qoif\0\0\0\x08\0\0\0\x08\x03\0" + b"\xfd\xfd" + bytes(7) + b"\x01",
        source="https://qoiformat.org/qoi-specification.pdf"),
    sample("SVG", "svg svgz xml", "image/svg+xml", "Inkscape",
        "inkscape $B/drawing.svg --export-plain-svg -o out.svg 2> /dev/null && mv out.svg $O"),
    sample("SVG without a declaration", "svg", "image/svg+xml", "pandoc",
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="3"/></svg>\n'),
    sample("compressed SVG", "svgz gz", "image/svg+xml image/svg+xml-compressed application/gzip", "gzip", "gzip -nc $B/drawing.svg > $O"),
    sample("EMF", "emf", "image/emf image/x-emf", "Inkscape", "inkscape $B/drawing.svg -o out.emf 2> /dev/null && mv out.emf $O"),
    sample("WMF", "wmf", "image/wmf image/x-wmf", "Inkscape", "inkscape $B/drawing.svg -o out.wmf 2> /dev/null && mv out.wmf $O"),
    sample("DXF", "dxf", "image/vnd.dxf application/dxf", "ezdxf",
        "$PY -c \"import sys,ezdxf; d=ezdxf.new(); d.modelspace().add_line((0,0),(1,1)); d.saveas(sys.argv[1])\" $O"),
    sample("DjVu", "djvu djv", "image/vnd.djvu", "c44", "c44 $B/picture.ppm out.djvu && mv out.djvu $O"),
    sample("EPS", "eps epsf ps", "application/postscript image/x-eps", "Inkscape", "inkscape $B/drawing.svg -o out.eps 2> /dev/null && mv out.eps $O"),
    sample("EPS with a preview", "eps epsi", "application/postscript", "specification",
        lambda: b"\xc5\xd0\xd3\xc6\x1e\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff" + b"%!PS-Adobe-3.0 EPSF-3.0\n%%EOF\n ",
        source="Adobe Technical Note 5002, appendix H"),
)  # fmt: skip
