"""The preference at which one network serves all tasks: given by a user, or drawn in training."""

from plait.sharing.preference.shares import Preference, shares_of
from plait.sharing.preference.slider import Slider

__all__ = ["Preference", "Slider", "shares_of"]
