"""Data: databases, tables, science, fonts, models, keys."""

from typing import Final

from file_types.sample import sample


def _python(code: str) -> str:
    return f'$PY -c "import sys; O=sys.argv[1]; {code}" $O'


SAMPLES: Final = (
    sample("SQLite", "sqlite sqlite3 db db3 gpkg mbtiles", "application/vnd.sqlite3 application/x-sqlite3", "sqlite3", "sqlite3 $O 'create table a(b)'"),
    sample("GeoPackage", "gpkg sqlite db", "application/geopackage+sqlite3", "sqlite3", "sqlite3 $O 'pragma application_id=1196444487; create table a(b)'"),
    sample("HDF5", "h5 hdf5 hdf", "application/x-hdf5 application/x-hdf", "h5py", _python("import h5py; h5py.File(O,'w').create_dataset('a',data=[1])")),
    sample("NetCDF", "nc cdf", "application/x-netcdf", "ncgen", "printf 'netcdf a { dimensions: x=2; variables: int v(x); data: v=1,2; }' > a.cdl && ncgen -o $O a.cdl"),
    sample("NetCDF 4", "nc nc4", "application/x-netcdf application/netcdf", "ncgen", "printf 'netcdf a { dimensions: x=2; variables: int v(x); data: v=1,2; }' > a.cdl && ncgen -4 -o $O a.cdl"),
    sample("Parquet", "parquet", "application/vnd.apache.parquet", "pyarrow", _python("import pyarrow as a, pyarrow.parquet as p; p.write_table(a.table({'x':[1]}),O)")),
    sample("Feather", "feather arrow", "application/vnd.apache.arrow.file", "pyarrow", _python("import pyarrow as a, pyarrow.feather as f; f.write_feather(a.table({'x':[1]}),O)")),
    sample("ORC", "orc", "application/x-orc", "pyarrow", _python("import pyarrow as a, pyarrow.orc as p; p.write_table(a.table({'x':[1]}),O)")),
    sample("Avro", "avro", "application/avro application/vnd.apache.avro+binary", "fastavro", _python("import fastavro; fastavro.writer(open(O,'wb'),{'type':'record','name':'a','fields':[{'name':'x','type':'int'}]},[{'x':1}])")),
    sample("NumPy", "npy", "application/x-npy", "numpy", _python("import numpy; numpy.save(open(O,'wb'),numpy.zeros(9))")),
    sample("pickle", "pickle pkl", "application/octet-stream application/x-pickle", "Python", _python("import pickle; pickle.dump({'a':[1,2]},open(O,'wb'))")),
    sample("MATLAB 5", "mat", "application/x-matlab-data", "specification", lambda: b"MATLAB 5.0 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024".ljust(116) + bytes(8) + b"\0\1IM" + b"\x0f\0\0\0\x10\0\0\0" + bytes(16), source="MAT-File Format, level 5"),
    sample("BAM", "bam", "application/x-bam application/gzip application/octet-stream", "pysam", _python("import pysam; pysam.AlignmentFile(O,'wb',header={'SQ':[{'SN':'a','LN':9}]}).close()")),
    sample("CRAM", "cram", "application/x-cram application/octet-stream", "specification", lambda: b"CRAM\x03\x00" + b"a".ljust(20, b"\0") + bytes(100), source="CRAM 3.0, file definition"),
    sample("FASTA", "fasta fa fas txt", "text/plain chemical/seq-na-fasta", "pandoc", lambda: b">a\nACGTACGTAC\n>b\nGGGG\n"),
    sample("VCF, compressed", "gz bgz", "application/gzip application/octet-stream", "pysam", _python("import pysam; f=open('a.vcf','w'); f.write('##fileformat=VCFv4.2\\n#CHROM\\tPOS\\tID\\tREF\\tALT\\tQUAL\\tFILTER\\tINFO\\n'); f.close(); pysam.tabix_compress('a.vcf',O)")),
    sample("TrueType", "ttf", "font/ttf application/x-font-ttf font/sfnt", "fonttools", _python(
        "from fontTools.fontBuilder import FontBuilder as F; f=F(1000,isTTF=True); f.setupGlyphOrder(['.notdef']); f.setupCharacterMap({}); from fontTools.pens.ttGlyphPen import TTGlyphPen as P; f.setupGlyf({'.notdef':P(None).glyph()}); "
        "f.setupHorizontalMetrics({'.notdef':(500,0)}); f.setupHorizontalHeader(ascent=800,descent=-200); f.setupNameTable({'familyName':'a'}); f.setupOS2(); f.setupPost(); f.save(O)")),
    sample("OpenType", "otf", "font/otf application/vnd.ms-opentype", "fonttools", "cp $B/font.otf $O"),
    sample("WOFF", "woff", "font/woff application/font-woff", "fonttools", _python("from fontTools.ttLib import TTFont; import os; f=TTFont(os.environ['B']+'/font.otf'); f.flavor='woff'; f.save(O)")),
    sample("WOFF 2", "woff2", "font/woff2", "fonttools", _python("from fontTools.ttLib import TTFont; import os; f=TTFont(os.environ['B']+'/font.otf'); f.flavor='woff2'; f.save(O)")),
    sample("font collection", "ttc otc", "font/collection", "fonttools", _python("from fontTools.ttLib import TTFont,TTCollection; import os; c=TTCollection(); c.fonts=[TTFont(os.environ['B']+'/font.otf')]*2; c.save(O)")),
    sample("embedded OpenType", "eot", "application/vnd.ms-fontobject", "specification", lambda: b"\xa8\0\0\0\x10\0\0\0\x01\0\x02\0\0\0\0\0" + bytes(10) + b"\x01\0\x90\x01\0\0\0\0\x4c\x50" + bytes(132), source="https://www.w3.org/submissions/EOT/"),
    sample("Type 1", "pfb", "application/x-font-type1", "FontForge", "fontforge -quiet -lang=ff -c 'Open($1); Generate($2)' $B/font.otf out.pfb 2> /dev/null && mv out.pfb $O"),
    sample("PCF or BDF", "bdf", "application/x-font-bdf", "specification", lambda: b"STARTFONT 2.1\nFONT a\nSIZE 9 75 75\nFONTBOUNDINGBOX 8 8 0 0\nCHARS 0\nENDFONT\n", source="Adobe Technical Note 5005"),
    sample("glTF, binary", "glb", "model/gltf-binary", "trimesh", _python("import trimesh; open(O,'wb').write(trimesh.creation.box().export(file_type='glb'))")),
    sample("STL, binary", "stl", "model/stl application/sla", "trimesh", _python("import trimesh; open(O,'wb').write(trimesh.creation.box().export(file_type='stl'))")),
    sample("STL, text", "stl", "model/stl", "trimesh", _python("import trimesh; open(O,'w').write(trimesh.creation.box().export(file_type='stl_ascii'))")),
    sample("PLY", "ply", "application/octet-stream model/ply", "trimesh", _python("import trimesh; open(O,'wb').write(trimesh.creation.box().export(file_type='ply'))")),
    sample("Wavefront", "obj", "model/obj text/plain", "trimesh", _python("import trimesh; open(O,'w').write(trimesh.creation.box().export(file_type='obj'))")),
    sample("Blender", "blend", "application/x-blender", "specification", lambda: b"BLENDER-v300REND" + b"\x48\0\0\0" + bytes(16) + bytes(80) + b"ENDB" + bytes(20), source="Blender, DNA and file format"),
    sample("PGP message", "gpg pgp", "application/pgp-encrypted", "gpg", "gpg --batch --quiet --homedir $(mktemp -d) --pinentry-mode loopback --passphrase x -c -o $O $B/text.md 2> /dev/null"),
    sample("PGP in text", "asc", "application/pgp-encrypted text/plain", "gpg", "gpg --batch --quiet --armor --homedir $(mktemp -d) --pinentry-mode loopback --passphrase x -c -o $O $B/text.md 2> /dev/null"),
    sample("certificate", "pem crt cer", "application/x-pem-file application/x-x509-ca-cert", "openssl", "cp $B/cert.pem $O"),
    sample("certificate in DER", "der cer crt", "application/x-x509-ca-cert application/pkix-cert", "openssl", "openssl x509 -in $B/cert.pem -outform der -out $O"),
    sample("PKCS 12", "p12 pfx", "application/x-pkcs12", "openssl", "openssl pkcs12 -export -in $B/cert.pem -inkey $B/key.pem -passout pass:x -out $O"),
    sample("Java keystore", "jks keystore", "application/x-java-keystore", "keytool", "keytool -genkeypair -storetype JKS -alias a -dname CN=a -storepass secret -keypass secret -keyalg RSA -keystore $O 2> /dev/null"),
    sample("torrent", "torrent", "application/x-bittorrent", "mktorrent", "mktorrent -a http://example.org/ -o out.torrent $B/text.md > /dev/null && mv out.torrent $O"),
    sample("pcap", "pcap cap dmp", "application/vnd.tcpdump.pcap", "specification", lambda: b"\xd4\xc3\xb2\xa1\2\0\4\0" + bytes(8) + b"\xff\xff\0\0\1\0\0\0" + bytes(16), source="IETF draft-ietf-opsawg-pcap"),
    sample("pcapng", "pcapng", "application/x-pcapng", "specification", lambda: b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0" + b"\xff" * 8 + b"\x1c\0\0\0", source="IETF draft-ietf-opsawg-pcapng"),
    sample("message catalog", "mo gmo", "application/x-gettext-translation", "msgfmt", "msgfmt -o $O $B/text.po"),
    sample("property list, binary", "plist", "application/x-plist application/x-bplist", "Python", _python("import plistlib; plistlib.dump({'a':1},open(O,'wb'),fmt=plistlib.FMT_BINARY)")),
    sample("MessagePack", "msgpack", "application/vnd.msgpack", "specification", lambda: b"\x82\xa1a\x01\xa1b\x93\x01\x02\x03", source="https://github.com/msgpack/msgpack/blob/master/spec.md"),
    sample("DICOM", "dcm dicom", "application/dicom", "specification", lambda: bytes(128) + b"DICM\x02\0\0\0UL\x04\0\x3e\0\0\0" + bytes(62), source="DICOM PS3.10, 7.1"),
    sample("NIfTI", "nii", "application/x-nifti", "specification", lambda: b"\x5c\x01\0\0" + bytes(340) + b"n+1\0" + bytes(64), source="NIfTI-1, nifti1.h"),
    sample("shapefile", "shp", "application/vnd.shp x-gis/x-shapefile", "specification", lambda: b"\0\0\x27\x0a" + bytes(20) + b"\0\0\0\x32\xe8\x03\0\0\x01\0\0\0" + bytes(64), source="ESRI Shapefile Technical Description, table 1"),
    sample("dBASE", "dbf", "application/dbase application/x-dbf", "specification", lambda: b"\x03\x7c\x01\x01\x01\0\0\0\x41\0\x0b\0" + bytes(20) + b"A".ljust(11, b"\0") + b"C" + bytes(4) + b"\x0a" + bytes(15) + b"\r" + b" 0123456789" + b"\x1a", source="dBASE III file structure"),
    sample("Access", "accdb mdb", "application/msaccess application/vnd.ms-access", "specification", lambda: b"\0\1\0\0Standard ACE DB\0\x02\0\0\0" + bytes(4000), source="mdbtools, HACKING: database definition page"),
    sample("Outlook store", "pst ost", "application/vnd.ms-outlook", "specification", lambda: b"!BDN" + bytes(4) + b"SM\x17\0\x13\0\x01\x01" + bytes(500), source="MS-PST 2.2.2.6"),
    sample("registry hive", "dat hiv", "application/octet-stream", "specification", lambda: b"regf\x01\0\0\0\x01\0\0\0" + bytes(8) + b"\x01\0\0\0\x03\0\0\0" + bytes(480), source="https://github.com/msuhanov/regf"),
    sample("Windows shortcut", "lnk", "application/x-ms-shortcut", "specification", lambda: b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F" + bytes(56), source="MS-SHLLINK 2.1"),
    sample("Windows help", "chm", "application/vnd.ms-htmlhelp", "specification", lambda: b"ITSF\x03\0\0\0\x60\0\0\0\x01\0\0\0" + bytes(8) + b"\x09\x04\0\0" + b"\x10\xfd\x01\x7c\xaa\x7b\xd0\x11\x9e\x0c\0\xa0\xc9\x22\xe6\xec" + bytes(60), source="Unofficial CHM specification, ITSF header"),
    sample("model of safetensors", "bin", "application/octet-stream", "specification", lambda: b"\x40\0\0\0\0\0\0\0" + b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(64) + bytes(4), source="https://github.com/huggingface/safetensors"),
    sample("noise", "bin dat raw", "application/octet-stream", "openssl", "head -c 3000 /dev/zero | openssl enc -aes-128-ctr -K 0 -iv 0 2> /dev/null > $O"),
    sample("zeros", "bin dat img", "application/octet-stream", "Python", lambda: bytes(5000)),
)  # fmt: skip
