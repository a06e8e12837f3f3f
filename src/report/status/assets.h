// Style and script of the status page. The colours have a contrast of at least 4.5 to their ground
// in both schemes, and no meaning hangs on a colour alone.
#pragma once

namespace etcdrill::report {

inline constexpr char kStyle[] = R"css(
:root{color-scheme:light dark;
--ground:#f6f8fa;--card:#fff;--line:#d1d9e0;--text:#1f2328;--soft:#59636e;--link:#0550ae;
--yes:#116329;--yes-ground:#dafbe1;--no:#a40e26;--no-ground:#ffebe9;
--unknown:#7d4e00;--unknown-ground:#fff8c5;
--s0:#59636e;--s1:#218bff;--s2:#8250df;--s3:#1a7f37;--s4:#bf8700;--s5:#0e7490;--s6:#8c959f}
@media(prefers-color-scheme:dark){:root{
--ground:#0d1117;--card:#161b22;--line:#3d444d;--text:#f0f6fc;--soft:#9da7b3;--link:#79b8ff;
--yes:#56d364;--yes-ground:#0f2d1a;--no:#ff8f87;--no-ground:#3a1519;
--unknown:#e3b341;--unknown-ground:#2e2306;
--s0:#8b949e;--s1:#388bfd;--s2:#a371f7;--s3:#3fb950;--s4:#d29922;--s5:#22b8cf;--s6:#6e7681}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);
font:15px/1.5 system-ui,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif}
.wrap{max-width:1120px;margin:0 auto;padding:20px}
header{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline;margin-bottom:14px}
h1{font-size:20px;margin:0}h2{font-size:16px;margin:26px 0 8px}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{
outline:3px solid var(--link);outline-offset:2px}
.soft{color:var(--soft)}.small{font-size:13px}
.banner{border:1px solid;border-left-width:6px;border-radius:8px;padding:12px 16px;
font-size:18px;font-weight:600}
.banner,.tile{display:block}
.yes{color:var(--yes)}.no{color:var(--no)}.unknown{color:var(--unknown)}
.banner.yes{background:var(--yes-ground)}.banner.no{background:var(--no-ground)}
.banner.unknown{background:var(--unknown-ground)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));gap:12px;
margin:12px 0 0;padding:0;list-style:none}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 16px}
.tile{border-top:4px solid currentColor}
.tile h2{margin:0;font-size:14px;color:var(--soft);font-weight:600}
.tile .answer{font-size:20px;font-weight:700}.tile .fact{color:var(--text);font-weight:600}
.tile .more{font-weight:400}
.troubles{margin:12px 0 0;padding:0;list-style:none}
.troubles li{background:var(--card);border:1px solid var(--line);border-left:6px solid var(--no);
border-radius:8px;padding:8px 14px;margin-top:8px;overflow-wrap:anywhere}
.card{padding:0;overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:7px 14px;border-top:1px solid var(--line);
white-space:nowrap;vertical-align:top}
thead th{border-top:0;color:var(--soft);font-size:13px;font-weight:600}
td.wide{white-space:normal;overflow-wrap:anywhere;min-width:16em}
td.number,th.number{text-align:right}
tbody th{font-weight:600}tbody th .small{font-weight:400}
.mark{font-weight:600}
.bar{display:block;width:100%;min-width:200px;height:14px;border-radius:3px;background:var(--line)}
.s0{fill:var(--s0);color:var(--s0)}.s1{fill:var(--s1);color:var(--s1)}
.s2{fill:var(--s2);color:var(--s2)}.s3{fill:var(--s3);color:var(--s3)}
.s4{fill:var(--s4);color:var(--s4)}.s5{fill:var(--s5);color:var(--s5)}
.s6{fill:var(--s6);color:var(--s6)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:0 0 8px;padding:0;
list-style:none;font-size:13px}
.legend svg{width:12px;height:12px;margin-right:5px;vertical-align:-1px}
.empty{padding:14px 16px;color:var(--soft)}
footer{margin-top:28px;color:var(--soft);font-size:13px;display:flex;flex-wrap:wrap;gap:4px 18px}
code{font:13px ui-monospace,"DejaVu Sans Mono",monospace}
@media(max-width:560px){.wrap{padding:12px}th,td{padding:6px 10px}}
)css";

// If the page can't be had, it says so: what it shows is old then.
inline constexpr char kScript[] = R"js(
setInterval(async()=>{
  if(document.hidden)return;
  const told=document.getElementById("refresh");
  try{
    const answer=await fetch(location.pathname,{cache:"no-store"});
    if(!answer.ok)throw new Error(answer.status);
    const fresh=new DOMParser().parseFromString(await answer.text(),"text/html");
    const focused=document.activeElement&&document.activeElement.id;
    document.title=fresh.title;
    document.querySelector("main").replaceWith(fresh.querySelector("main"));
    document.getElementById("time").replaceWith(fresh.getElementById("time"));
    if(focused)document.getElementById(focused)?.focus({preventScroll:true});
    told.textContent="";
  }catch(error){told.textContent="Refresh failed: this page is out of date.";}
},15000);
)js";

}  // namespace etcdrill::report
