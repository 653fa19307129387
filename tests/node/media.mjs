// What a real Chromium shows and plays of media files, and recordings that it makes.
// node media.mjs play FILES(JSON: [{path, kind, at, spots}])   prints one JSON object a line for each file
// node media.mjs record PATH TYPE SCENE(JSON)                  writes a recording, prints {frames, type}
import * as fs from 'node:fs'
import { chromium } from 'playwright-core'

const [, , what, ...more] = process.argv
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--disable-gpu'],
})
const say = (members) => console.log(JSON.stringify(members))

// In the page: the mean colour of each spot of what is drawn into 320 by 180 dots.
function helpers() {
  window.spotsOf = (drawn, spots) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 })
    const context = canvas.getContext('2d', { willReadFrequently: true })
    context.drawImage(drawn, 0, 0, 320, 180)
    return Object.fromEntries(
      Object.entries(spots).map(([name, [x, y, w, h]]) => {
        const inner = [x + w / 3, y + h / 3, w / 3, h / 3].map(Math.round)
        const { data } = context.getImageData(...inner)
        const sum = [0, 0, 0]
        for (let at = 0; at < data.length; at += 4) for (let c = 0; c < 3; c++) sum[c] += data[at + c]
        return [name, sum.map((value) => Math.round(value / (data.length / 4)))]
      }),
    )
  }
  const within = (promise, seconds) =>
    Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error(`not within ${seconds} s`)), seconds * 1000))])
  window.showFilm = async (file, at, spots) => {
    const video = document.createElement('video')
    document.body.append(video)
    video.volume = 0
    video.src = URL.createObjectURL(file)
    const failed = new Promise((_, no) => (video.onerror = () => no(new Error(video.error.message || `error ${video.error.code}`))))
    failed.catch(() => {})
    const once = (name) => new Promise((yes) => video.addEventListener(name, yes, { once: true }))
    try {
      await within(Promise.race([once('loadeddata'), failed]), 20)
      const result = { width: video.videoWidth, height: video.videoHeight, duration: String(video.duration) }
      const sought = once('seeked')
      video.currentTime = Math.min(at, Number.isFinite(video.duration) ? video.duration / 2 : at)
      await within(Promise.race([sought, failed]), 20)
      // The frame may be drawn a moment after it was sought.
      for (let tries = 0; tries < 20; tries++) {
        result.spots = window.spotsOf(video, spots)
        if (Object.values(result.spots).some((colour) => Math.max(...colour) > 0)) break
        await new Promise((yes) => setTimeout(yes, 100))
      }
      video.currentTime = 0
      await within(Promise.race([once('seeked'), failed]), 20)
      await within(Promise.race([video.play(), failed]), 20)
      await within(Promise.race([new Promise((yes) => setTimeout(yes, 700)), once('ended'), failed]), 20)
      result.soundBytes = video.webkitAudioDecodedByteCount
      result.shownFrames = video.webkitDecodedFrameCount
      return result
    } finally {
      video.remove()
      URL.revokeObjectURL(video.src)
    }
  }
  window.showPicture = async (file, at, spots) => {
    const image = new Image()
    image.src = URL.createObjectURL(file)
    await within(image.decode(), 30)
    return { width: image.naturalWidth, height: image.naturalHeight, spots: window.spotsOf(image, spots) }
  }
  window.hearSound = async (file) => {
    const context = new OfflineAudioContext(1, 16000, 16000)
    const heard = await within(context.decodeAudioData(await file.arrayBuffer()), 30)
    const samples = heard.getChannelData(0)
    let squares = 0
    for (const value of samples) squares += value * value
    return { duration: String(heard.duration), channels: heard.numberOfChannels, rms: Math.sqrt(squares / Math.max(1, samples.length)) }
  }
  window.recordScene = async ({ spots, flash, seconds, type }) => {
    if (!MediaRecorder.isTypeSupported(type)) return { error: `no recorder for ${type}` }
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 })
    const context = canvas.getContext('2d')
    const audio = new AudioContext()
    await audio.resume()
    const gain = audio.createGain()
    gain.gain.value = 0
    const tone = audio.createOscillator()
    tone.frequency.value = 1000
    const out = audio.createMediaStreamDestination()
    tone.connect(gain).connect(out)
    tone.start()
    const stream = canvas.captureStream(30)
    out.stream.getAudioTracks().forEach((track) => stream.addTrack(track))
    const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: 2_500_000 })
    const pieces = []
    recorder.ondataavailable = (event) => pieces.push(event.data)
    const began = performance.now()
    for (let second = 0; second < seconds; second++) {
      gain.gain.setValueAtTime(0.5, audio.currentTime + second + 0.5)
      gain.gain.setValueAtTime(0, audio.currentTime + second + 0.6)
    }
    let frames = 0
    const draw = () => {
      const now = (performance.now() - began) / 1000
      context.fillStyle = `hsl(${(now * 90) % 360} 60% 50%)`
      context.fillRect(0, 0, 320, 180)
      for (const [[x, y, w, h], [r, g, b]] of Object.values(spots)) {
        context.fillStyle = `rgb(${r} ${g} ${b})`
        context.fillRect(x, y, w, h)
      }
      context.fillStyle = now % 1 >= 0.5 && now % 1 < 0.6 ? 'white' : 'black'
      context.fillRect(...flash)
      frames++
    }
    draw()
    recorder.start(500)
    const timer = setInterval(draw, 33)
    await new Promise((yes) => setTimeout(yes, seconds * 1000))
    clearInterval(timer)
    const stopped = new Promise((yes) => (recorder.onstop = yes))
    recorder.stop()
    await stopped
    const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer())
    let text = ''
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768))
    return { frames, type: recorder.mimeType, data: btoa(text) }
  }
}

const SHOWN = { film: 'showFilm', picture: 'showPicture', sound: 'hearSound' }

try {
  const page = await browser.newPage()
  page.setDefaultTimeout(120_000)
  await page.setContent('<!doctype html><input type=file>')
  await page.evaluate(helpers)
  if (what === 'record') {
    const [path, scene] = more
    const { data, ...rest } = await page.evaluate((given) => window.recordScene(given), JSON.parse(scene))
    if (data) fs.writeFileSync(path, Buffer.from(data, 'base64'))
    say(rest)
  } else {
    for (const { path, kind, at, spots } of JSON.parse(fs.readFileSync(more[0]))) {
      try {
        await page.setInputFiles('input', path)
        const seen = await page.evaluate(
          ([name, when, where]) => window[name](document.querySelector('input').files[0], when, where),
          [SHOWN[kind], at, spots],
        )
        say({ path, ...seen })
      } catch (error) {
        say({ path, error: String(error.message).split('\n')[0] })
      }
    }
  }
} finally {
  await browser.close()
}
process.exit()
