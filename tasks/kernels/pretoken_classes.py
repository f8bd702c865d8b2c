"""What GPT-2's pattern asks of a code point: letter (\\p{L}), number (\\p{N}), white space (\\s) or other.

Unicode 16.0, as `tokenizers` 0.23.3 (Oniguruma) and tiktoken 0.14 (Rust's regex) have it; on every code point the two
agree. Frozen here, for ids must not change with a library's release; made by tests/kernels/make_pretoken_classes.py.
\\s is Unicode's White_Space in both: U+0085 and U+3000 are of it, U+200B and U+001C to U+001F are not.
"""

import base64
import zlib

import numpy as np

OTHER, LETTER, NUMBER, WHITE = range(4)

# Lengths of the runs of one class (int32), then their classes (a byte each); zlib, base 85
RUNS = (
    "c-o~{&5smC6rZZ@o{yfHondBnXLs3;0hWbf7g!Kb(CDJL#DGeoZi0zMW7H@FO(b4C>BWP3@u-OhV>o-|MvP+O$rA@-jL{JP0S_LnqJNM1&7*qQ"
    "Su%N3U0qeL-uu=2s;(3Yg~U<Ik#W>;lsYOonsrn}n__$xZ3V5LXYuSQqG#@R(JrF>#r?&utvQ;23?;SpW4t%m!&6M-#S!~<(7u57Ge>1d*U(=k"
    "xjmo0qqB~7Vh>LT9j!Q;g#IzDd4u+9;JsjxLLQmhq`3=@<{e#hRK>dqtl0%zSx>M36!j|sTxYO%74xS_uN{sKI6CF%1g&e)`H5~R$r}SNOEg7m"
    "826a?imr9iKO+9Zt4QNz^y3kG*+9Ff?4d+^M36<}mB%*;VAG(pNQqZ<3)qDCF63as_FPr{h}Or-t_<xJQ7cp<xh8QYEyy17%_hB@ReM>5MOoQF"
    "Jc4f;z+zGHW-Ki1R-auz;8V=AM7XvILy2z@`9?+ISAt9__Fkj08pbOa-xoLoiBr?+J?m7V=Y-}|$ZoytJ;JDi{RP`4#3;Z11H`8e?NuaSV!w<?"
    "Pr;}T-bSro4(MgEmw$fN49?sJ;<mi+tNyOS*48!9KdIh7g;?1k|Ms*=F~z^XYzH<Zw(RvdN4_EU+X4=4@NS{46K-CfV~+NaJTfMjrSLWBUj+XI"
    "vh7xwZeZ>r>?x)AkRT4MVy{_>4SV5N-e!*DOjrhy`xQrrfkByM?PH%h<*HTe;caV<@|Ubx!d%HOD->(`ghx@uBhmGSqjisu8IJwSDi@TMJ!q1c"
    "aXcpvh2nrEf2ilgiz;$5`{m(4?zR+9*k3%~H<fKz726}MD~`}Fru-tYAOUfndx&Jc<sKe$?Q^id4{dh7m)(Nfq<a*IL3w`u2w~eKdn+m2$7wI%"
    "`BxP?4C<GP@|TD(*d*Wf^Is;s5{gT&s=V4m9B<-Te5_3Qy+<+K_t)LPjhW0|zu3%T&LPNBH-oq%@wx+BX_9?z5KpP+-liC41Nozj9NknoFQ!~t"
    "CqF-iICYeKc3R=Ybx2C{q-LB4=7%xHHqADkQooP&5y>6Xx~|GON0kp)vR#eAG|j1!f7U2Qa2vA86{@L=$dPrD@4J<ZUl(#8@vTctR}h=tg<q7g"
    "Z=!N_O7*Q#W1%|rGV<OfljW9mjQLu8KlZpvd_F}k3f;k~$SY9}9^yB9D6h+Xt*zve+I9lD=_9N;i1s9MhoAE=Y$XC-O}Z!b&{n7pDHAr!Dz`1E"
    "S~0=><Qs~aMVcq=eylkL`KqKxsO}y$9uc31O(y#k)wR<Urw>q#_O!aU801c!^DOL3a#~l_m}T%=Q|FS<eXmHle*-a@??+9vhe*#@#g2Kpw{$7T"
    "89L7%oy8paeiJq-b&crK#&{XEQkUZUGagUmr#jjaoo7weDsv>;Z}e^80O2fml1E7&v9T$fa}0ZI0gp-S+X3$yYKB?Zp;0lo4!iHsU0QHkqHiLx"
    "vavFJP4KSaOeZk6s%ij<=N*i-DF3y=_lcakm~A<wxV;1Y?cPaSBzppU(m*^js$Q5;GOhyS7UkuX_F4co9mTVZdDoy%pZtD}Vv1n7j2K^6cm5*g"
    "&cPNYp;L@G*CFFo#NamFt2kztmEO~YyHVe3Hfa4mRVx~mQ}@$3Op;EAC<e6PLq8*DG)On8+xF7ErU9Rjb9+B<*2}bCMcom3UJrUPrYB4$8|yE)"
    "@1}ZUljNDi`F!OL{VmtN2YG*Vbly#V9rM=W?0pfo^mQZC<E#_t`fR383;b`oNhj?fesZ1iyz0xkHTsTKBb(+kNPzwKCi8!}@7#oq_}K9d?v0Y4"
    "p9BW$%8or2|8+BaxD{u1?0NmOd*HwNZ1$J|w)5(H%LL`g&;7SjcX*c|M;&u3bXJ>9$es+o8FWy8%%HA#3B1n+VxSFtW34HB7Wq%BdwE%n&#AbT"
    "s2Wh_y@;A?M#YrH2keVa`r6ZPwn#RgxCxKD_DjV4RDHJ<nNOR6Ev-_Gd&^|{-R-OIdj8#QGte;()Lp*)iSA?GR?ifM*W9Voqb%>~`@ng~F8qF="
    "eRc-owhh#;ap3-095JT9v*+=@AL(`4H{u)_MD86be<k$(jLm%G?-cRCG5Paa7TZoWGyVR+zMo8GK6Ye2!|;lG`K>#Q1=s%Nn4W8AykB$cF8p5i"
    "8%A!SaX<fL?mSzASL6I>g&lf7#=?SHXvbKP`_^uGUmIj%?<betf?SNw7WE$~Nt6Svy+;YF1sM|83P`4~y<dc%9f`GwVuu8@_vLM@7-R@itJSqR"
    "5Qk2}4j+ge_c-kKe4{Yx%rXQm$!`nW@x{zY?`muYtsQm@hQtn;_MJyNB>bSKZTem*ZJye8Ou%d*WWRP?R|=V2-X<Z;?LB%9nelkWU~?kP_6*AE"
    "L$D)U<-xWc6(;`&mqdMg"
)


def rows() -> np.ndarray:
    """uint8 (0x110000,): the class of each code point."""
    packed = np.frombuffer(zlib.decompress(base64.b85decode(RUNS)), np.uint8)
    count = len(packed) // 5
    return np.repeat(packed[4 * count :], packed[: 4 * count].view("<i4"))


def _blocks() -> tuple[np.ndarray, np.ndarray]:
    blocks, block = np.unique(rows().reshape(-1, 128), axis=0, return_inverse=True)
    return block.reshape(-1).astype(np.uint16), blocks.reshape(-1)


# A code point's class is CLASS[(BLOCK[code >> 7] << 7) | (code & 127)].
BLOCK, CLASS = _blocks()
