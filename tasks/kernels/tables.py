"""Unicode as numpy arrays: for each code point its lower case and what the word scans ask of it.

Unicode 13, as Java 17 has it (the Java that Spark's Tokenizer runs on), and written down here, because
`unicodedata` differs from one Python to the next and the hashes must not. Made from the output of
tests/kernels/CodePoints.java by tests/kernels/make_tables.py; a test compares the two.

A code point's record number is RECORD[(BLOCK[code >> 7] << 7) | (code & 127)]; DELTA and FLAGS are by record.
"""

import base64
import zlib

import numpy as np

# FLAGS: the low four bits are the word-break class of java.text.BreakIterator (needed for the final sigma only)
BREAK_CLASS = 15
OTHER, LETTER, DIGIT, ENCLOSING, IGNORED, MID_WORD, MID_BOTH, FULL_STOP, MID_NUMBER, PREFIX, SUFFIX, DANDA = range(12)
CASED = 16  # java.lang.ConditionalSpecialCasing.isCased
WHITE = 32  # Unicode's White_Space
PUNCTUATION = 64  # general categories P*, and ASCII's symbols ($+<=>^`|~), as in Python's string.punctuation

# Runs of code points with one record, from 0 on: all lengths (int32), all distances to the lower case (int32;
# that of U+0130 leads to "i" alone, its dot is the scan's business), all flags (uint8); zlib, base 85.
RUNS = (
    "c-rk7TZmm(bwAEI_nteC%$+<YnPet6(_~C0wMm;aZG4a&>`j_PY6KsopcY?<4M;)1grfcFhYAG+MFj=L4?)lm6(yoA6@sEx%LE@E"
    "rBVE;h=R}-#Oq%Btab0YEBoAeWG1;YIs0bMK4(AHUVFXw-Y2<ID)o8NXU(#~49|&ZgWT}B=JT{@r}vD#^Kn+pA>k&XKGug|OkoLl"
    "?8N7Kr2l5h<~ENX#%x!xZnF-sS4wNM%rUk^_l8ZTHnVK4HrLjHMr|zjBYcDMG3xU;+HpB=lZ{(gCJ(vHWdn4<usNX2eZK1!+2M2<"
    ">i~Qwd~W%Cbc4vpot!KCF&ufG@dEV!kciLd`Hjo)v0w*w<2Z`#Mi8zQW2jBSJnZv!j5%ZR>4!@6DvQLi2I26z$0IbDMZBTUC5G2H"
    "j^Bs&&IsGc*RzAsD;NDz?6U>mcL|&{&UrtsU1N+s!p4AIdms`&*V()lY0_Y{AUaM6oa?L);V)@wMU2k*Y6QKxA4mkPI4<;@4X_JF"
    "@HH8Lr-_s@t}+6KWxS~gIp_4VVh_aON*<Ttl?wW$5xtRX*dplLh{${v8NU=yV>p?}eoXSV7SXF1Z#mBzg0GpNdlJzB?#nr!EXF;F"
    "z?;L9I+-yY9%JvB=wC0{XHE#%iRhOIx>!b6PLo<m3}BX+zcGMUX^HF@hEpw~Q=Cr*>B8+W;c$rQj9j-BaT(Ep%fi+HGCGNUcM3hy"
    "3~wnTG8U~f8RK#~%3?nwbi2lAP2&zk<d0~(Gjaw(aC7#YM&z8^x&&=E(QZq`Ho=%}1AKJC=HHL+;{sp8WrX$18I4n>KL^mCCxTB>"
    "?;F@wXKSH2J3;x;5u48aF1^o3XiWZ|)8m}(w==bpGowS|eV<z1IHLbaQU5k(Q*z`7trhY`#@me1=(6eGf6+M@!Mea?xQ=*@3Hcsj"
    "dO`9viO-{~Kc^?u9~U;d&e}&xbe8icV`V0A(n1C<;T&X-<^(^_VBfuw*g?h-8KVc`GAm^GZX7d>{YOx4r-Y2s^NA()TP9*Rbc7By"
    "p~t|}Q;5sal09k4^eka^zkzk52&*N0EVls-T(k6p(pFHscen8O<bN7W-Wq5JNTzD2Z-&vo&gL15#6+2xpVs?9gh^xOkUwu)=AOOE"
    "RbEZbD;f+9AL<dGSQk0gz7%X4J6-~la#|9%aGPl(XPvfWuagLyN_Nba%tO9A#q~8KaUqYhrJdE0SYJoZKIHj{JkuD%_ZG$~`xq{X"
    "@cCNoSF#nH)x~IO*uFLud+7<5<-XxbUG$wn829`4x1hhL4ExuQnL-XAKDZbA?!~oyQ5Stqu{b;M$NxEka~)aZGe}c%-c;q`Iakh>"
    "xZ6vG{Fd!a9u%?UINPJ=k-hy&%NE=3lN@amd(=dn3BmLC^o=nYA0y8cauI*0;+zHQ-W#!n1ozR%c_!`K-p}l5gWbQ-T@1zcb+!(w"
    "e*?Zd-|&lFO8xzv1s(wJ3rVpjyN7J3?(N5Do!d6JtR@kAe>?QWu>Bk9&t7rny&m`Un>p9jt+^w!8_YH@r{6+keYME>E8V5YZ<nk%"
    "qp9Ip3B`90F+0i6LMB<PC2@v6d)SyMjQ#le=?sfGkBaz+@6*SG%}zwj*ub2!^VlpBujY|+Y#lj&oD#PFSma#6h_hzR&Ot3ZbBg(h"
    "MkLP9N_^yD#;csgQWx?3V9@tFoLApIT;MZ>upl<PZ_fJ??Dui>>ovqX6=xC+5sRlw+;3jSxcYHj)PWyz?Cj|v&ZAYopUT+XTf*om"
    "<v1_7cQxYP=;_G)mX5?cM%-f=jH#u)m@fHV;gZlJSz2*VW7rvH!e~M8x0c*-jpNzTr`cXB!Sm@+Jg049-zRYFQ%u+HWoNp(**+j)"
    "=eS%yQj`mlhgr7n{me#C-v#6?<VS=IQhzEB;@IQNCOiZ8wz|M&2abh4UlBG+v-3YA_F7ZIuS~Hs?!8!-qs`eW_Mj=w%kA1UlP8C9"
    "F1Jw=Sl$!a_oXHGLNns5S2O*ma)zyUhV5C2-g|_+)7TU2ZhHr_-CMC=9c8b^WUq!c<s9CdA46R~hHaVPH}GX%_s*{uO77PlLEIaR"
    "A3KoWg!g;!9>0e2HzoA@1j;PoJB#lm&q?I0f$n^Ev9o33>3+t~y6`KszPrSFD7HI}&zaz>E{RPo+oz1MZ;AIr_9J{RcDm$FMl=0w"
    "Fk5zn%~xk<+j8H%k~?pyTawN;a(|qPJ5@S2`5fv^J#to`FnnWYQnM(BS;@E1vF|DX)_1_ivA%N56sw!VIqDIfSoX~c(R2*;>F_f4"
    "(<FZ<*mpBl!~`kRMQD2#d72Bpd>Cy&3+EpdI2&=VrJ2o+o%?aSlp~&J7|aF1_aw63-Ao=2GMVGPp)SsWEZWPl2%S^38Q{xmx<`Zg"
    "lJ7Y*lb;zz+gTywW#7S^i`35#h;3^TS<A$Iu3kob)+Zaf;3wzNkD0!2XLnh|&#!vqKI+R)FdBf2KJW7t5A;aV!||#Ia@GU=i4V$7"
    "nw~F|G4*5OZjsuLvinSK_ePi<BD!qHez2bJo1VOqzI_Dmc?rgY%(joQI8lr5y(s>9Z3=z3pX61qxO;Ws2Q0=uBzK>OGgB`-k0U-~"
    "OwMbOb76RXZd-r6#_u@m%&yJiJYT|oUqc&z8GR1Ko$tnRXCrnhwl5eh`40B9uz7XSzDMYCD(olqdl$yyyVzb(GdWo8JJAJfEj&Dc"
    "xZKBZ9Tzdt7KSH0Urc*=HpMpy+$Sw!tV`>vu^5xq|Ag+{hx2_QJp5AJ?;b+iKgZ@vgibX5WN(h_r{B)L^Mo}#$8gv^;JY>MyJP={"
    "Asf)9OTOP)>G`}V`L4Yt<}QnGn&Pe}W%Uo4Lf8J<K-=hny!?un8!zA&JYg39(NG`o^`G_mUl2e44=}j7)Ka%EwMuZ%8@xQ(>2x;3"
    "I@Y>;+S8@1?GKT<-?Hc5u;+L9{41Y-E!uyF&oBD?d)D?M+CNCw2H^K+@m$vSr^wj9uxBNn4SO$p9+onO(>FZdt`6Ycu#``(vEChC"
    "=smyB!#=ps-~Lu#*Jg3ba$w$UDuWk;|4A(8u{?mK!}3&#9j@OZem#%;;&rbxIRk!PWOxmWoT*K2r?*tTYQvTa_ncL#QkAMyr7Bga"
    "O6!px+Y>K0N_yeTy}eGAs<cs)`%kftrgA+~wa==`^(aqYug=Vep?r;<$;F<_+GBmn%BA}A_8<BDYNy<;eYd0?#(rJk`i#%7NBVxo"
    "*FCkwJR3EA>w5p1PQTRY{Pd;%x|N1)6A^!~RGMCcwHz(+MftT(XZqir&aP{NZOGpiJ00u$yzI;Ci}AjYo?RUNyN)~YTys!el{Qb>"
    "$TB(%>#5@STX*O8-%l;yS4bFteDucq&-E&=__==I^ACOgxzAT{?tl97n$NHJ{7rjvcKHP#KmE+Zxf-EKWvi=HrL|A3iUg}l2Ul2M"
    "rQu7iB0-g^RQaVURjHEKDsAF4SCL>Cj6}<wId}eyd$@hp8P{}epF?dU_tB_!Dpf}LDx;xUHR0a|OFH};0yK0}X$4s;yVZueKv0Jn"
    "NV^1iS3-SdHw1ftA|QAwSGH|k_yLWaN|ei;vd)*<n)46)zuM<SS#5nbMJEk!{*M<?|HpaS=1>)?y#$9p1<ezy+3$h@c#8i5B-O38"
    "9%OD*t{qILL|<qxe(-AiSf?WJYyeb1bGgzs(uq1)npSCZ<BYn88_o$NV{5RwhY$d9Mg@xXP1QpPXQEkqYd3uj{p*EUwJW-NI(wtg"
    "kDaC7CX~+q;5p#s5C><GbWRnJ!Y{C+_X8xF#m{-wQG<UL)*6&awLu74fTJ@+EbC~^wmYHIE)NU!glao4Ri=Lh;UNf-p;-)8=z_5Y"
    "=WKwWVVynfJ+Ilj>D4;~2~;k09weL%40Zy*Ht*P^(99|JW42HA+M3*IQnyypcI{TuI`7#EBGz`TL?uQCHkn`!yxyp${1sp{y_?BN"
    "(`=d`q()6l1buSdUl+@WySXJa^2y7HD%^76R$R<zSWkeqm(O-Vj+S4)2~+`_)dsWa3cYA|Ev3P~^g~b{2pHWJx;-%HdT<YIKta_S"
    "JAF~1R>2&_pFk~1OKmW|y6`VxtARGwfK@>!ggt@ULFo+|7c@XY7*(Ie0|EyJ$C&5Y3YZt5wC(XCv^ACVU>aHI1>7O$1FPG?l|obD"
    "RDB%?K@(b<L7;mua{o(&5IK|tG@`*l`6ZdctioVV1t78^SyV1!rooh&u6zZ`gnsa73a3E+!v;+?pt0yYi-`&dF2D$CiZ<MjX{+G8"
    "d~XxTUeFi176!kV3LUNq<VQ|{h<fgU74Lch3`4qP4TECNyU$5>{Y#*)Wh{1u|0r-GF|eVQc|ml%7FQh51}k(!#6XxTgx$lr=ikW7"
    "7lIh5ZM#y4O@*843RX`%3*ilNPDlpvArld-hAVul>zWCVt1ChW6zEciodjYeilQikva{Ns=|XbdCkls<uAaxBwchY~JPRF!Y4biS"
    "cN0H?0*m@T&z=bA"
)


def rows() -> tuple[np.ndarray, np.ndarray]:
    """For all 0x110000 code points: distance to the lower case (int32), flags (uint8)."""
    packed = np.frombuffer(zlib.decompress(base64.b85decode(RUNS)), np.uint8)
    count = len(packed) // 9
    lengths, distances = packed[: 8 * count].view("<i4").reshape(2, count)
    return np.repeat(distances, lengths).astype(np.int32), np.repeat(packed[8 * count :], lengths)


def _records() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    distances, flags = rows()
    combined = (distances.astype(np.int64) << 8) | flags
    kinds, numbers = np.unique(combined, return_inverse=True)
    blocks, block = np.unique(numbers.astype(np.uint8).reshape(-1, 128), axis=0, return_inverse=True)
    return (
        block.reshape(-1).astype(np.uint8),
        blocks.reshape(-1),
        (kinds >> 8).astype(np.int32),
        (kinds & 255).astype(np.uint8),
    )


BLOCK, RECORD, DELTA, FLAGS = _records()
