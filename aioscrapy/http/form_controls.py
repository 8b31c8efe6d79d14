"""The controls of a form on a page, and what a browser sends for them.

Source: the HTML Standard, "Constructing the entry list" and "form owner".
"""

import re
from typing import Any

Pairs = list[tuple[str, str]]

_SILENT = frozenset({"submit", "image", "reset", "button"})  # types that send something only when clicked
_ALL = "//input | //select | //textarea | //button"
_OWN = "descendant::input | descendant::select | descendant::textarea | descendant::button"
_INERT = ("datalist", "template")  # what stands in these is not sent
_FIELDSET = "ancestor::fieldset[@disabled]"

_line_end = re.compile(r"\r\n|\r|\n")


def controls_of(form: Any) -> list[Any]:
    """Return the controls of a form that are not disabled, in the order of the page.

    A control belongs to the form that its `form` attribute names, else to the form around it. Of the radio
    buttons of a name, the last checked one is checked.
    """
    form_id = form.get("id")
    outside = form_id is not None and form.xpath("boolean(//*[@form])")
    elements = form.getroottree().xpath(_ALL) if outside else form.xpath(_OWN)
    own = [element for element in elements if _belongs(element, form, form_id)]
    checked = {element.get("name"): element for element in own if _is_checked_radio(element)}
    return [
        element
        for element in own
        if not _is_disabled(element)
        and (not _is_checked_radio(element) or checked[element.get("name")] is element)
    ]


def is_button(control: Any) -> bool:
    """Return True for a control that submits its form."""
    kind = _kind(control)
    if control.tag == "button":
        return kind not in {"button", "reset"}
    return control.tag == "input" and kind in {"submit", "image"}


def pairs_of(control: Any, encoding: str) -> Pairs:
    """Return what a control sends that was not clicked, by a form in this encoding."""
    name, kind = control.get("name"), _kind(control)
    if not name or control.tag == "button":
        return []
    if control.tag == "select":
        return [(name, value) for value in _selected(control)]
    if control.tag == "textarea":
        text = _line_end.sub("\n", control.text_content()).removeprefix("\n")
        return [(name, text.replace("\n", "\r\n"))]
    if kind in _SILENT or (kind in {"checkbox", "radio"} and control.get("checked") is None):
        return []
    value = control.get("value")
    if kind == "hidden" and name.lower() == "_charset_":
        value = "UTF-8" if encoding == "utf-8" else encoding.replace("cp12", "windows-12")
    if value is None:
        value = "on" if kind in {"checkbox", "radio"} else ""
    return [(name, _line_end.sub("\r\n" if kind == "hidden" else "", value))]


def click_of(button: Any) -> Pairs:
    """Return what a button sends that was clicked; for an image, where: at its corner."""
    name = button.get("name")
    if button.tag == "input" and _kind(button) == "image":
        prefix = f"{name}." if name else ""
        return [(f"{prefix}x", "0"), (f"{prefix}y", "0")]
    return [(name, button.get("value") or "")] if name else []


def _kind(control: Any) -> str:
    return (control.get("type") or "").strip().lower()


def _belongs(control: Any, form: Any, form_id: str | None) -> bool:
    owner = control.get("form")
    if owner is not None:
        return bool(owner == form_id)
    return next(control.iterancestors("form"), None) is form


def _is_checked_radio(control: Any) -> bool:
    return control.tag == "input" and _kind(control) == "radio" and control.get("checked") is not None


def _is_disabled(control: Any) -> bool:
    """Return True if a control or a fieldset around it is disabled; the first legend stays usable."""
    if control.get("disabled") is not None or next(control.iterancestors(*_INERT), None) is not None:
        return True
    for fieldset in control.xpath(_FIELDSET):
        legend = fieldset.find("legend")
        if legend is None or legend not in control.iterancestors("legend"):
            return True
    return False


def _selected(select: Any) -> list[str]:
    """Return the values of the chosen options that are not disabled."""
    options = select.xpath("descendant::option")
    chosen = [option for option in options if option.get("selected") is not None]
    if select.get("multiple") is None:
        # a browser shows the first option that can be chosen, and of several chosen ones the last
        first = [option for option in options if not _is_off(option)][:1]
        chosen = chosen[-1:] or (first if _is_drop_down(select) else [])
    return [_option_value(option) for option in chosen if not _is_off(option)]


def _is_drop_down(select: Any) -> bool:
    size = (select.get("size") or "").strip()
    return not size.isdecimal() or int(size) < 2


def _is_off(option: Any) -> bool:
    group = next(option.iterancestors("optgroup"), None)
    return option.get("disabled") is not None or (group is not None and group.get("disabled") is not None)


def _option_value(option: Any) -> str:
    value = option.get("value")
    return " ".join(option.text_content().split()) if value is None else str(value)
