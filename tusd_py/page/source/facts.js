// What is known of a file's content, in the words of people.
import { clock } from './clock.js'
import { language } from './common.js'
import { text } from './server.js'

const CODECS = {
  h264: 'H.264', hevc: 'H.265', av1: 'AV1', vp8: 'VP8', vp9: 'VP9', mpeg4: 'MPEG-4', mpeg2video: 'MPEG-2', mpeg1video: 'MPEG-1',
  prores: 'ProRes', dnxhd: 'DNxHD', mjpeg: 'Motion JPEG', theora: 'Theora', dvvideo: 'DV', wmv3: 'Windows Media', vc1: 'VC-1',
  aac: 'AAC', mp3: 'MP3', mp2: 'MP2', opus: 'Opus', vorbis: 'Vorbis', flac: 'FLAC', alac: 'Apple Lossless', ac3: 'Dolby Digital',
  eac3: 'Dolby Digital Plus', truehd: 'Dolby TrueHD', dts: 'DTS', wmav2: 'Windows Media', amr_nb: 'AMR', amr_wb: 'AMR',
}
const RANGES = { hdr10: 'HDR10', hlg: 'HLG', 'dolby-vision': 'Dolby Vision' }
const DAY = new Intl.DateTimeFormat([...navigator.languages.filter((tag) => tag.startsWith(language)), language], { dateStyle: 'medium' })

/** The facts of a file in one line; '' if there are none. */
export function factsInWords(facts) {
  const { duration, width, height, video_codec, audio, dynamic_range, title, artist } = facts
  const codecs = [video_codec, audio?.[0]?.codec].filter(Boolean).map(codecName)
  return [
    [artist, title].filter(Boolean).join(' – '),
    duration ? clock(duration) : '',
    width && height ? `${width}\u00a0×\u00a0${height}` : '',
    [...new Set(codecs)].join(' + '),
    RANGES[dynamic_range] ?? '',
    facts.taken ? text.taken(dayOf(facts.taken)) : facts.recorded ? text.recorded(dayOf(facts.recorded)) : '',
  ].filter(Boolean).join(' · ')
}

const codecName = (code) => CODECS[code] ?? (code.startsWith('pcm_') ? 'PCM' : code.toUpperCase())

/** The day of a time in ISO 8601, where the camera was; as it stands if it is no such time. */
function dayOf(time) {
  const found = time.match(/^(\d{4})-(\d\d)-(\d\d)/)
  return found ? DAY.format(new Date(found[1], found[2] - 1, found[3])) : time
}
