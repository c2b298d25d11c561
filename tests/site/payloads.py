"""Sixty texts that try to run as a script, and how to prove that none of them did.

Whatever people, scanners or readers can put into a page goes through here: names of files, text that was read, notes.
A part of the site lists where its texts come from in `hostile_screens` of tests/site/hostile.py.
"""

from typing import Final

from playwright.sync_api import Page

from tests.site.browser import Watched

# Each would set `ran`, open a dialog, or ask for something elsewhere. None is longer than a name may be.
PAYLOADS: Final = (
    "<script>ran=1</script>",
    "<ScRiPt>ran=1</sCrIpT>",
    "</script><script>ran=1</script>",
    "</title><script>ran=1</script>",
    "</textarea><script>ran=1</script>",
    "</style><script>ran=1</script>",
    "--><script>ran=1</script><!--",
    "]]><script>ran=1</script>",
    "<script src=//evil.example/x.js></script>",
    "<script src=data:text/javascript,ran=1></script>",
    "<scr<script>ipt>ran=1</scr</script>ipt>",
    "<script type=module>ran=1</script>",
    "<img src=x onerror=ran=1>",
    "<img src=x onerror='alert(1)'>",
    '"><img src=x onerror=ran=1>',
    "'><img src=x onerror=ran=1>",
    '" onfocus=ran=1 autofocus tabindex=1 x="',
    "' onfocus=ran=1 autofocus tabindex=1 x='",
    '" onmouseover=ran=1 style=position:fixed;inset:0 x="',
    "` onfocus=ran=1 autofocus `",
    "<svg onload=ran=1>",
    "<svg><script>ran=1</script></svg>",
    "<svg><animate onbegin=ran=1 attributeName=x dur=1s>",
    "<svg><use href=data:image/svg+xml,x#x></use></svg>",
    "<math><mtext><script>ran=1</script></mtext></math>",
    "<math href=javascript:ran=1>x</math>",
    "<iframe src=javascript:parent.ran=1></iframe>",
    "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
    "<object data=javascript:ran=1></object>",
    "<embed src=//evil.example/x.swf>",
    "<a href=javascript:ran=1>click</a>",
    "<a href='java\\tscript:ran=1'>click</a>",
    "javascript:ran=1",
    "<form action=javascript:ran=1><button autofocus>x</button></form>",
    "<input autofocus onfocus=ran=1>",
    "<select autofocus onfocus=ran=1></select>",
    "<textarea autofocus onfocus=ran=1>",
    "<details open ontoggle=ran=1>x</details>",
    "<video src=x onerror=ran=1></video>",
    "<audio src=x onerror=ran=1></audio>",
    "<body onload=ran=1>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<style>@import'//evil.example/x.css';</style>",
    "<p style=background:url(//evil.example/x)>x</p>",
    "<template><script>ran=1</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=ran=1>'>",
    "<xmp><script>ran=1</script></xmp>",
    "<marquee onstart=ran=1>x</marquee>",
    "<button popovertarget=x onbeforetoggle=ran=1>x</button><p popover id=x>",
    "<div hx-get=/session hx-trigger=load hx-on:load=ran=1>x</div>",
    "<div data-hx-on:htmx:load=ran=1 data-hx-get=/ data-hx-trigger=load>x</div>",
    "{{ 7 * 7 }}{% raw %}<script>ran=1</script>{% endraw %}",
    "{{ self.__init__.__globals__ }}",
    "${ran=1}`${alert(1)}`",
    "&lt;script&gt;ran=1&lt;/script&gt;&#60;img src=x onerror=ran=1&#62;",
    "%3Cscript%3Eran=1%3C/script%3E",
    "\\u003cscript\\u003eran=1\\u003c/script\\u003e",
    "=cmd|'/c calc'!A1\"'><svg/onload=ran=1>",
)

# What no page of ours has anywhere, and what a payload would have put there.
_FOREIGN: Final = """() => {
  const found = [...document.querySelectorAll(
    "script:not([src]), iframe, object, embed, base, style, marquee, math, template, video, audio, meta[http-equiv]")];
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      const isAddress = ["href", "src", "action", "formaction", "xlink:href"].includes(name);
      if (/^on/i.test(name) || /hx-on/i.test(name) || name === "style" && !element.closest("[data-own-style]")
          || isAddress && /^\\s*(javascript|data|\\/\\/)/i.test(value)) found.push(element);
    }
  }
  return found.map(element => element.outerHTML.slice(0, 200));
}"""


def assert_inert(page: Page, watched: Watched) -> None:
    """Nothing ran, nothing was refused by the policy (it never came so far), and nothing stands there as an element."""
    page.wait_for_load_state("load")
    assert page.evaluate("typeof window.ran") == "undefined"
    assert page.evaluate(_FOREIGN) == []
    assert watched.complaints == []


def shown(page: Page) -> str:
    """All that can be read on a page, what stands in inputs included, its blanks as one."""
    text: str = page.evaluate(
        """() => document.body.textContent + " "
        + [...document.querySelectorAll("input, textarea, option")].map(e => e.value).join(" ")"""
    )
    return " ".join(text.split())


def missing(page: Page, payloads: tuple[str, ...] = PAYLOADS) -> list[str]:
    """Which of them cannot be read on the page letter by letter."""
    text = shown(page)
    return [payload for payload in payloads if " ".join(payload.split()) not in text]
