"""Defines notes of a completed task: what was kept as it is or is missing, and why.

Rule 1: the value is a stable code, which clients translate. Rule 2: the text is Chinese, since the
wire's ``message`` is; it never holds a path or the output of a program.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from tusd_py.domain.task import TEXT_COMPLETED


class Note(StrEnum):
    """Names a note; a task may have several."""

    MISMATCH = "content_is_not_what_the_name_says"
    MISNAMED = "name_claims_another_type"
    UNTOUCHED = "type_is_kept_as_it_is"
    UNREADABLE = "unreadable"
    NO_GAIN = "no_gain"
    TOO_LONG = "too_long"
    TOO_MUCH_WORK = "too_much_work"
    NOT_PLAYABLE = "not_playable"
    NOT_AS_LONG = "not_as_long"
    DAMAGED = "damaged"
    CUT_OFF = "cut_off"
    PROTECTED = "protected"
    EMPTY = "empty"
    UNSUPPORTED = "unsupported_codec"
    PICTURE_TOO_LARGE = "picture_too_large"
    OUT_OF_MEMORY = "out_of_memory"
    PROCESSING_INTERRUPTED = "processing_interrupted"
    PROCESSING_HUNG = "processing_hung"
    WORKER_DIED = "worker_died"
    DOLBY_VISION = "dolby_vision"
    NO_TONE_MAPPING = "no_tone_mapping"
    NOT_ALL_CARRIED = "not_all_carried"
    TAGS_NOT_REMOVED = "tags_not_removed"
    NO_COVER = "cover_unreadable"
    SOUND_UNREADABLE = "sound_unreadable"


NOTE_TEXTS: Final[Mapping[Note, str]] = {
    Note.MISMATCH: "内容与文件名不符，按原样保存",
    Note.MISNAMED: "内容与文件名不符",
    Note.UNTOUCHED: "此类文件按原样保存",
    Note.UNREADABLE: "视频无法读取，按原样保存",
    Note.NO_GAIN: "压缩无收益，保留原文件",
    Note.TOO_LONG: "视频过长，保留原文件",
    Note.TOO_MUCH_WORK: "压缩耗时过多，保留原文件",
    Note.NOT_PLAYABLE: "压缩结果无法播放，保留原文件",
    Note.NOT_AS_LONG: "压缩结果长度不符，保留原文件",
    Note.DAMAGED: "文件内容已损坏，保留原文件",
    Note.CUT_OFF: "文件不完整，保留原文件",
    Note.PROTECTED: "文件有加密保护，保留原文件",
    Note.EMPTY: "文件中没有可播放的内容，保留原文件",
    Note.UNSUPPORTED: "编码格式不受支持，保留原文件",
    Note.PICTURE_TOO_LARGE: "画面尺寸过大，保留原文件",
    Note.OUT_OF_MEMORY: "服务器内存不足，保留原文件，可稍后重新处理",
    Note.PROCESSING_INTERRUPTED: "处理被意外中断，保留原文件，可稍后重新处理",
    Note.PROCESSING_HUNG: "处理长时间无进展，保留原文件，可稍后重新处理",
    Note.WORKER_DIED: "处理多次意外中断，保留原文件，可稍后重新处理",
    Note.DOLBY_VISION: "杜比视界画面无法转换，保留原文件",
    Note.NO_TONE_MAPPING: "服务器无法转换高动态范围画面，保留原文件",
    Note.NOT_ALL_CARRIED: "网页版不含原文件的全部内容",
    Note.TAGS_NOT_REMOVED: "文件信息（如拍摄地点）未能清除",
    Note.NO_COVER: "封面图片无法读取",
    Note.SOUND_UNREADABLE: "音频无法读取，按原样保存",
}


def completed_text(notes: Iterable[Note]) -> str:
    """Return the message of a completed task, with the texts of its notes."""
    text = note_text(notes)
    return f"{TEXT_COMPLETED}（{text}）" if text else TEXT_COMPLETED


def note_text(notes: Iterable[Note]) -> str:
    """Return the notes' texts, joined as the wire's message has them; '' if there are none."""
    return "；".join(NOTE_TEXTS[note] for note in notes)
