# Bytes written by cause: load
# Draw again with: gnuplot write_amplification_by_cause.gnuplot
# Reads write_amplification_by_cause.csv, writes write_amplification_by_cause.svg and write_amplification_by_cause.png.

data = 'write_amplification_by_cause.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set lmargin at screen 0.1720
set rmargin at screen 0.9600
set tmargin at screen 0.7599
set bmargin at screen 0.4661
set yrange [104:0]
set ytics ('btree bulk off' 29, 'btree bulk on' 75) scale 0
set grid xtics noytics
set key off
of(c) = stringcolumn('cause') eq c
unset logscale x
set xrange [0.0:1.199114675220529]
set xtics ('0.0' 0.0, '0.2' 0.2, '0.4' 0.4, '0.6' 0.6, '0.8' 0.8, '1.0' 1.0)
set xlabel 'bytes written ÷ logical bytes written' noenhanced

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,354 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,354 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'write_amplification_by_cause.'.kind
  unset label
  unset object
  set label 1 'Bytes written by cause: load' at screen 0.016, screen 0.9266 left noenhanced font ',22'
  set label 2 '400,000 records · batch 100 · durability prefix · memory 5.53 MiB · 3 seeds: summed · memory device' at screen 0.016, screen 0.8475 left noenhanced font ',15' textcolor rgb '#555555'
  set label 'data' at screen 0.0240, screen 0.2119 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.0240, screen 0.1271 to screen 0.0380, screen 0.1667 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label 'leaf' at screen 0.0460, screen 0.1469 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0621 to screen 0.0380, screen 0.1017 front fillcolor rgb '#56b4e9' fillstyle solid noborder
  set label 'interior' at screen 0.0460, screen 0.0819 left noenhanced font ',15'
  set label 'metadata' at screen 0.1390, screen 0.2119 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.1390, screen 0.1271 to screen 0.1530, screen 0.1667 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label 'superblock' at screen 0.1610, screen 0.1469 left noenhanced font ',15'
  set object rectangle from screen 0.1390, screen 0.0621 to screen 0.1530, screen 0.1017 front fillcolor rgb '#b05a8a' fillstyle solid noborder
  set label 'pending_log' at screen 0.1610, screen 0.0819 left noenhanced font ',15'
  plot \
    data using (of('leaf') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#0072b2', \
    data using (of('interior') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#56b4e9', \
    data using (of('superblock') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#cc79a7', \
    data using (of('pending_log') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#b05a8a', \
    data using (column('from') == 0 ? column('total') : NaN):(column('position')):(short(column('total'))) with labels left offset char 0.6,0 noenhanced font ',15'
  unset output
}
