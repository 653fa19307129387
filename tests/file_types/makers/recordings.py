"""Films and sounds, written by ffmpeg, sox, lame, opusenc and others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from file_types.sample import Sample, sample
from support import kinds

_FILM: Final = "-f lavfi -i testsrc2=s=176x144:d=0.4:r=25"
_SOUND: Final = "-f lavfi -i sine=440:d=0.6"
_BOTH: Final = f"{_FILM} {_SOUND}"
_X264: Final = "-c:v libx264 -preset ultrafast -bf 0"
_FFMPEG: Final = "ffmpeg -v error -y -bitexact"

_MAY: Final = {
    "mp4": ("mp4 m4v f4v mov m4a insv lrv", "video/mp4 audio/mp4 application/mp4 video/x-m4v"),
    "mov": ("mov qt mp4", "video/quicktime"),
    "3gp": ("3gp 3g2 3gpp 3gpp2 mp4", "video/3gpp video/3gpp2 audio/3gpp"),
    "mkv": ("mkv mka mk3d mks", "video/x-matroska video/matroska audio/x-matroska"),
    "webm": ("webm weba mkv", "video/webm audio/webm"),
    "avi": ("avi divx", "video/x-msvideo video/avi video/msvideo video/vnd.avi"),
    "ts": ("ts m2ts mts m2t tp trp", "video/mp2t video/vnd.dlna.mpeg-tts"),
    "mpg": ("mpg mpeg vob m2p mod tod vro dat", "video/mpeg video/mp2p"),
    "m2v": ("m2v m1v mpv mpg mpeg", "video/mpeg"),
    "h264": ("h264 264 avc jsv", "video/h264"),
    "hevc": ("hevc h265 265", "video/h265"),
    "ivf": ("ivf", "video/x-ivf"),
    "y4m": ("y4m", "video/x-yuv4mpeg"),
    "dv": ("dv dif", "video/dv video/x-dv"),
    "mxf": ("mxf", "application/mxf"),
    "gxf": ("gxf", "application/gxf"),
    "nut": ("nut", "video/x-nut"),
    "rm": ("rm rmvb ra", "application/vnd.rn-realmedia audio/x-pn-realaudio"),
    "flv": ("flv", "video/x-flv"),
    "wmv": ("wmv asf", "video/x-ms-wmv video/x-ms-asf"),
    "wma": ("wma asf", "audio/x-ms-wma"),
    "ogg": ("ogg oga opus spx", "audio/ogg application/ogg audio/opus audio/vorbis"),
    "ogv": ("ogv ogm ogx ogg", "video/ogg application/ogg"),
    "mp3": ("mp3 mp2 mp1 mpa", "audio/mpeg audio/mp3 audio/x-mpeg"),
    "aac": ("aac adts", "audio/aac audio/x-aac audio/aacp"),
    "ac3": ("ac3", "audio/ac3 audio/x-ac3"),
    "eac3": ("eac3 ec3", "audio/eac3"),
    "dts": ("dts", "audio/vnd.dts"),
    "flac": ("flac", "audio/flac audio/x-flac"),
    "wav": ("wav wave bwf rf64", "audio/wav audio/x-wav audio/wave audio/vnd.wave"),
    "w64": ("w64 wav", "audio/x-w64"),
    "aiff": ("aiff aif aifc", "audio/aiff audio/x-aiff"),
    "caf": ("caf", "audio/x-caf"),
    "wavpack": ("wv", "audio/x-wavpack"),
    "tta": ("tta", "audio/x-tta"),
    "au": ("au snd", "audio/basic"),
    "m4a": ("m4a m4b m4r mp4", "audio/mp4 audio/x-m4a audio/m4a"),
    "jpeg": ("jpg jpeg jpe jfif pjpeg pjp", "image/jpeg image/pjpeg"),
    "png": ("png apng", "image/png image/apng"),
    "gif": ("gif", "image/gif"),
    "bmp": ("bmp dib", "image/bmp image/x-ms-bmp"),
    "tiff": ("tif tiff", "image/tiff"),
    "webp": ("webp", "image/webp"),
    "avif": ("avif heif", "image/avif"),
    "jxl": ("jxl", "image/jxl"),
    "jp2": ("jp2 jpx", "image/jp2"),
    "j2k": ("j2k j2c jpc", "image/j2c"),
    "ico": ("ico", "image/vnd.microsoft.icon image/x-icon"),
}
"""What may be claimed of each type that tests/support/kinds.py makes."""
_PICTURES: Final = ["jpeg", "png", "gif", "bmp", "tiff", "webp", "avif", "jxl", "jp2", "j2k", "ico"]
_SOUNDS: Final = [
    "wma",
    "ogg",
    "mp3",
    "aac",
    "ac3",
    "eac3",
    "dts",
    "flac",
    "wav",
    "w64",
    "aiff",
    "caf",
    "wavpack",
    "tta",
    "au",
    "m4a",
]


def _of_ffmpeg() -> Iterator[Sample]:
    for name, (kind, arguments) in kinds.MADE.items():
        extensions, declared = _MAY[kind]
        family = "image" if kind in _PICTURES else "audio" if kind in _SOUNDS else "video"
        if name == "sound.mka":
            extensions, family = "mka mkv", "video"
        made = f"{_FFMPEG} {arguments} m{Path(name).suffix} && mv m{Path(name).suffix} $O"
        yield sample(f"ffmpeg {name}", extensions, declared, "ffmpeg", made, family=family)


def _tag(sound: str) -> str:
    """Return a line that puts an ID3 tag with a cover of 20 kB before a sound."""
    return f"{sound} && cat $B/tag.id3 plain > $O"


SAMPLES: Final = (
    *_of_ffmpeg(),
    sample(
        "MP4 of a phone", "mp4 m4v mov", "video/mp4", "ffmpeg",
        f"{_FFMPEG} {_BOTH} {_X264} -movflags +faststart -brand mp42 -f mp4 $O", family="video"),
    sample(
        "MP4 audio book", "m4b m4a mp4", "audio/mp4 audio/x-m4b application/mp4", "ffmpeg",
        f"{_FFMPEG} {_SOUND} -c:a aac -f ipod -brand M4B $O", family="audio"),
    sample(
        "CMAF fragments", "mp4 cmfv m4v", "video/mp4", "ffmpeg",
        f"{_FFMPEG} {_FILM} {_X264} -movflags +cmaf+frag_keyframe -f mp4 $O", family="video"),
    sample(
        "DASH segment", "m4s mp4 cmfv", "video/iso.segment video/mp4", "ffmpeg",
        f"{_FFMPEG} {_FILM} {_X264} -f dash -init_seg_name init.mp4 -media_seg_name s.m4s x.mpd "
        "&& mv s.m4s $O", family="video"),
    sample(
        "PlayStation film", "mp4 psp", "video/mp4", "ffmpeg",
        f"{_FFMPEG} {_BOTH} {_X264} -f psp $O", family="video"),
    sample(
        "Flash sound in MP4", "f4a m4a mp4", "audio/mp4", "ffmpeg",
        f"{_FFMPEG} {_SOUND} -c:a aac -f mp4 -brand 'F4A ' $O", family="audio"),
    sample(
        "Matroska sound", "mka mkv", "audio/x-matroska audio/matroska", "ffmpeg",
        f"{_FFMPEG} {_SOUND} -c:a libopus -f matroska $O", family="video"),
    sample(
        "Matroska subtitles", "mks mkv", "application/x-matroska video/x-matroska", "ffmpeg",
        f"{_FFMPEG} -i $B/subtitles.srt -c:s srt -f matroska $O", family="video"),
    sample(
        "WebM sound", "weba webm", "audio/webm", "ffmpeg",
        f"{_FFMPEG} {_SOUND} -c:a libopus -f webm $O", family="video"),
    sample(
        "transport stream of 192 bytes", "mts m2ts m2t", "video/mp2t video/mts", "ffmpeg",
        f"{_FFMPEG} {_BOTH} {_X264} -f mpegts -mpegts_m2ts_mode 1 $O", family="video"),
    sample(
        "transport stream, cut", "ts", "video/mp2t", "ffmpeg",
        f"{_FFMPEG} {_BOTH} {_X264} -f mpegts - | tail -c +102 > $O", family="video"),
    sample(
        "VOB", "vob mpg mpeg", "video/mpeg video/dvd video/x-ms-vob", "ffmpeg",
        f"{_FFMPEG} {_BOTH} -c:v mpeg2video -c:a ac3 -f vob $O", family="video"),
    sample(
        "Video CD", "dat mpg", "video/mpeg", "ffmpeg",
        f"{_FFMPEG} {_BOTH} -target pal-vcd -f vcd $O", family="video"),
    sample(
        "OGM", "ogm ogv ogx", "video/ogg application/ogg video/x-ogm", "ffmpeg",
        f"{_FFMPEG} {_BOTH} -c:v libtheora -c:a libvorbis -f ogg $O", family="video"),
    sample(
        "Speex", "spx ogg oga", "audio/ogg audio/x-speex audio/speex", "ffmpeg",
        f"{_FFMPEG} {_SOUND} -ar 16000 -c:a libspeex -f spx $O", family="audio"),
    sample(
        "Ogg FLAC", "oga ogg", "audio/ogg audio/x-flac+ogg", "ffmpeg",
        f"{_FFMPEG} {_SOUND} -c:a flac -f oga $O", family="audio"),
    sample(
        "Opus", "opus ogg oga", "audio/opus audio/ogg audio/x-opus+ogg", "opusenc",
        "opusenc --quiet $B/sound.wav $O", family="audio"),
    sample(
        "Vorbis", "ogg oga", "audio/ogg audio/vorbis application/ogg", "oggenc",
        "oggenc -Q -o $O $B/sound.wav", family="audio"),
    sample(
        "MP3 of lame", "mp3", "audio/mpeg audio/mp3", "lame",
        "lame --quiet --tt Title --ta Artist $B/sound.wav $O", family="audio"),
    sample(
        "MP3 of lame without a tag", "mp3", "audio/mpeg", "lame",
        "lame --quiet -t --noreplaygain $B/sound.wav $O", family="audio"),
    sample(
        "MP3 of MPEG 2", "mp3", "audio/mpeg", "lame",
        "lame --quiet -t --resample 22.05 -b 32 $B/sound.wav $O", family="audio"),
    sample(
        "FLAC of flac", "flac", "audio/flac audio/x-flac", "flac",
        "flac -s -o $O $B/sound.wav", family="audio"),
    sample(
        "WavPack", "wv", "audio/x-wavpack audio/wavpack", "wavpack",
        "wavpack -q -o out.wv $B/sound.wav && mv out.wv $O", family="audio"),
    sample(
        "FLAC behind ID3", "flac", "audio/flac audio/x-flac", "ffmpeg and id3",
        _tag(f"{_FFMPEG} {_SOUND} -c:a flac -f flac plain"), family="audio"),
    sample(
        "AAC behind ID3", "aac adts", "audio/aac audio/x-aac", "ffmpeg and id3",
        _tag(f"{_FFMPEG} {_SOUND} -c:a aac -f adts plain"), family="audio"),
    sample(
        "AC-3 behind ID3", "ac3", "audio/ac3", "ffmpeg and id3",
        _tag(f"{_FFMPEG} {_SOUND} -c:a ac3 -f ac3 plain"), family="audio"),
    sample(
        "MP3 behind a long ID3", "mp3", "audio/mpeg", "ffmpeg and id3",
        f"{_FFMPEG} {_SOUND} -c:a libmp3lame -id3v2_version 0 -f mp3 plain "
        "&& cat $B/long.id3 plain > $O", family="audio"),
    sample(
        "FLAC behind a long ID3", "flac", "audio/flac", "ffmpeg and id3",
        f"{_FFMPEG} {_SOUND} -c:a flac -f flac plain && cat $B/long.id3 plain > $O", family="audio"),
    sample(
        "True Audio behind ID3", "tta", "audio/x-tta", "ffmpeg and id3",
        _tag(f"{_FFMPEG} {_SOUND} -c:a tta -f tta plain"), family="audio"),
    sample(
        "RF64", "wav rf64 bwf", "audio/wav audio/x-wav", "ffmpeg",
        f"{_FFMPEG} {_SOUND} -rf64 always -f wav $O", family="audio"),
    sample(
        "Broadcast WAV", "wav bwf", "audio/wav audio/x-wav", "ffmpeg",
        f"{_FFMPEG} {_SOUND} -write_bext 1 -metadata originator=me -f wav $O", family="audio"),
    sample(
        "GSM in WAV", "wav", "audio/wav", "sox", "sox $B/sound.wav -r 8000 -e gsm -t wav $O",
        family="audio"),
    sample(
        "AIFF of sox", "aiff aif", "audio/aiff audio/x-aiff", "sox", "sox $B/sound.wav -t aiff $O",
        family="audio"),
    sample(
        "AIFF-C", "aifc aiff aif", "audio/aiff audio/x-aifc", "sox",
        "sox $B/sound.wav -t aiffc $O", family="audio"),
    sample(
        "8SVX", "8svx iff", "audio/8svx audio/x-8svx", "sox", "sox $B/sound.wav -b 8 -t 8svx $O"),
    sample("Creative voice", "voc", "audio/x-voc", "sox", "sox $B/sound.wav -t voc $O"),
    sample(
        "AU of sox", "au snd", "audio/basic", "sox", "sox $B/sound.wav -t au $O", family="audio"),
    sample(
        "AMR", "amr", "audio/amr audio/3gpp", "sox",
        "sox $B/sound.wav -r 8000 -c 1 -t amr-nb $O", family="audio"),
    sample(
        "AMR wide", "awb amr", "audio/amr-wb", "specification", lambda: b"#!AMR-WB\n" + b"\x04" + bytes(17)
        + b"\x04" + bytes(17), family="audio", source="RFC 4867, 5.1"),
    sample("IRCAM", "sf ircam", "audio/x-ircam", "sox", "sox $B/sound.wav -t ircam $O"),
    sample("NIST sphere", "sph nist", "audio/x-nist", "sox", "sox $B/sound.wav -t sph $O"),
    sample("PAF", "paf", "audio/x-paf", "sox", "sox $B/sound.wav -t paf $O"),
    sample("Maud", "maud", "audio/x-maud", "sox", "sox $B/sound.wav -t maud $O"),
    sample(
        "Core Audio of sox", "caf", "audio/x-caf", "sox", "sox $B/sound.wav -t caf $O", family="audio"),
    sample(
        "Wave 64 of sox", "w64", "audio/x-w64", "sox", "sox $B/sound.wav -t w64 $O", family="audio"),
    sample(
        "MIDI of abc2midi", "mid midi kar", "audio/midi audio/x-midi audio/mid", "abc2midi",
        "abc2midi $B/tune.abc -o $O > /dev/null", family="audio"),
    sample(
        "MIDI of mido", "mid midi", "audio/midi audio/sp-midi", "mido",
        "$PY -c \"import mido,sys; f=mido.MidiFile(); t=mido.MidiTrack(); f.tracks.append(t); "
        "t.append(mido.Message('note_on',note=60)); f.save(sys.argv[1])\" $O", family="audio"),
    sample(
        "Flash", "swf", "application/x-shockwave-flash application/vnd.adobe.flash.movie", "ffmpeg",
        f"{_FFMPEG} {_FILM} -c:v flv1 -f swf $O"),
    sample(
        "SMJPEG", "mjpg smjpeg", "video/x-smjpeg", "ffmpeg",
        f"{_FFMPEG} {_FILM} -c:v mjpeg -f smjpeg $O"),
    sample("FLIC", "roq", "video/x-roq", "ffmpeg", f"{_FFMPEG} -f lavfi -i testsrc2=s=64x64:d=0.2:r=30 -c:v roqvideo -f roq $O"),
    sample(
        "WTV", "wtv", "video/x-ms-wtv", "ffmpeg",
        f"{_FFMPEG} {_BOTH} -c:v mpeg2video -c:a mp2 -f wtv $O"),
    sample(
        "AV1 in OBUs", "obu", "video/av1", "ffmpeg",
        f"{_FFMPEG} {_FILM} -frames:v 2 -c:v libaom-av1 -cpu-used 8 -f obu $O"),
    sample(
        "VC-1 test stream", "rcv vc1", "video/x-vc1", "specification",
        lambda: b"\x02\0\0\xc5\x04\0\0\0\0\0\0\0\x90\0\0\0\xb0\0\0\0\x0c\0\0\0" + bytes(12) + bytes(200),
        source="SMPTE 421M, annex L"),
    sample(
        "MPEG-4 part 2", "m4v cmp", "video/mp4v-es", "ffmpeg",
        f"{_FFMPEG} {_FILM} -c:v mpeg4 -f m4v $O"),
    sample(
        "raw DNxHD", "dnxhd dnxhr", "video/x-dnxhd", "ffmpeg",
        f"{_FFMPEG} -f lavfi -i testsrc2=s=1280x720:d=0.04:r=25 -pix_fmt yuv422p -c:v dnxhd -b:v 60M -f dnxhd $O"),
    sample("Dirac", "drc vc2", "video/x-dirac", "ffmpeg", f"{_FFMPEG} {_FILM} -frames:v 2 -c:v vc2 -f dirac $O"),
    sample("MLP", "mlp", "audio/x-mlp", "ffmpeg", f"{_FFMPEG} {_SOUND} -c:a mlp -strict -2 -f mlp $O"),
    sample("TrueHD", "thd", "audio/true-hd", "ffmpeg", f"{_FFMPEG} {_SOUND} -c:a truehd -strict -2 -f truehd $O"),
    sample("AptX", "aptx", "audio/aptx", "ffmpeg", f"{_FFMPEG} {_SOUND} -c:a aptx -ar 48000 -ac 2 -f aptx $O"),
    sample("SBC", "sbc", "audio/sbc", "ffmpeg", f"{_FFMPEG} {_SOUND} -c:a sbc -f sbc $O"),
    sample(
        "GSM", "gsm", "audio/gsm audio/x-gsm", "sox", "sox $B/sound.wav -r 8000 -c 1 -t gsm $O"),
    sample("ffmetadata", "ffmeta txt", "text/plain", "ffmpeg", f"{_FFMPEG} -i $B/sound.wav -f ffmetadata $O"),
)  # fmt: skip
