/**
 * Texts from and to UTF-8, many at once: QuickJS has neither `TextDecoder` nor `TextEncoder`. A text whose characters stand for
 * a byte each is the way between: engines make that fast.
 */

/** One character a byte. */
function characters(bytes) {
  if (bytes.toBase64) return atob(bytes.toBase64());
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192));
  return text;
}

/** The bytes of which there is one character each. */
function bytesOf(characters) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(btoa(characters));
  return Uint8Array.from(characters, (one) => one.charCodeAt(0));
}

function isAscii(bytes) {
  const padded = new Uint8Array((bytes.length + 31) & ~31);
  padded.set(bytes);
  const words = new Int32Array(padded.buffer);
  const count = words.length;
  let all = 0;
  // Several at a time, as an interpreter is slow at loops.
  for (let i = 0; i < count; i += 8) {
    all |= words[i] | words[i + 1] | words[i + 2] | words[i + 3];
    all |= words[i + 4] | words[i + 5] | words[i + 6] | words[i + 7];
  }
  return (all & 0x80808080) === 0;
}

/** The texts that lie between these places of UTF-8. */
export function decode(bytes, offsets) {
  const whole = characters(bytes);
  const count = offsets.length - 1;
  const texts = new Array(count);
  for (let i = 0; i < count; i++) texts[i] = whole.slice(offsets[i], offsets[i + 1]);
  // `escape` writes a byte that is no letter as %XX, and what is decoded then is UTF-8.
  return isAscii(bytes) ? texts : texts.map((text) => decodeURIComponent(escape(text)));
}

/** UTF-8 of all texts, one after the other, and how many bytes each has. */
export function encode(texts) {
  const joined = texts.join("");
  const whole = unescape(encodeURIComponent(joined));
  const isPlain = whole.length === joined.length;
  const lengths = texts.map((text) => (isPlain ? text : unescape(encodeURIComponent(text))).length);
  return { bytes: bytesOf(whole), lengths };
}
