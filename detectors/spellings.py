"""Spellings that count as one in wordings: typographic signs as typed ones, traditional Chinese as simplified."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SIGNS: Final = ("’‘ʼ‐−", "'''--")  # what NFKC leaves of them; it makes U+2010 of U+2011
# Of the signs that the wordings hold, each traditional form beside the simplified one.
_HAN: Final = (
    "與專業兩嚴個為爲義習於僅價優內寫準幾則創別務動勵參發後響復複覆獎奬實審對幫應開憶戰戶擬據"
    "數斷無雜條構標樣檔註滿濾獨現簽類級練細終結給統續維編節觀視計訓記論設評診詞譯試話詳語請讀"
    "調譜質資輪較輸過還進鏈鍊問閱閲際難韓領題書會訴錄課詢網頁餾單虛漢訂測顯導處補畫來國學點確",
    "与专业两严个为为义习于仅价优内写准几则创别务动励参发后响复复复奖奖实审对帮应开忆战户拟据"
    "数断无杂条构标样档注满滤独现签类级练细终结给统续维编节观视计训记论设评诊词译试话详语请读"
    "调谱质资轮较输过还进链链问阅阅际难韩领题书会诉录课询网页馏单虚汉订测显导处补画来国学点确",
)
_FROM, _TO = "".join((_SIGNS[0], _HAN[0])), "".join((_SIGNS[1], _HAN[1]))
_TABLE: Final = str.maketrans(_FROM, _TO)
_DASHES: Final = "–—"
_HYPHEN: Final = re.compile(f"(?<=[a-zß-öø-ɏ])[{_DASHES}](?=[a-zß-öø-ɏ])")
BETWEEN: Final = (1 << 32) - 1
"""Stands in SPELLINGS for what is a hyphen between two Latin letters, and elsewhere what it is."""


def _codes() -> NDArray[np.uint32]:
    table = np.arange(max(map(ord, _FROM)) + 1, dtype=np.uint32)
    table[[ord(sign) for sign in _FROM]] = [ord(sign) for sign in _TO]
    table[[ord(sign) for sign in _DASHES]] = BETWEEN
    return table


SPELLINGS: Final = _codes()
"""The same for code points: of each the one that stands for it."""


def spelled(text: str) -> str:
    """`text` with one spelling of each sign; as long as it was."""
    return _HYPHEN.sub("-", text.translate(_TABLE))
