# A log beside copies up to the root, nodes of 64 KiB: bytes written by cause
# Draw again with: gnuplot causes.gnuplot
# Reads causes.csv, writes causes.svg and causes.png.

data = 'causes.csv'
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
set lmargin at screen 0.2800
set rmargin at screen 0.8700
set tmargin at screen 0.8467
set bmargin at screen 0.3023
set yrange [380:0]
set ytics ('bepsilon-log batch 1' 29, 'bepsilon-log batch 10' 75, 'bepsilon-log batch 100' 121, 'bepsilon-log batch 1,000' 167, 'bepsilon-copy batch 1' 213, 'bepsilon-copy batch 10' 259, 'bepsilon-copy batch 100' 305, 'bepsilon-copy batch 1,000' 351) scale 0
set grid xtics noytics
set key off
of(c) = stringcolumn('cause') eq c
set xrange [0:100]
set xtics ('0 %%' 0, '25 %%' 25, '50 %%' 50, '75 %%' 75, '100 %%' 100)
set xlabel 'share of the bytes written by each engine' noenhanced

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,698 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,698 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'causes.'.kind
  unset label
  unset object
  set label 1 'A log beside copies up to the root, nodes of 64 KiB: bytes written by cause' at screen 0.016, screen 0.9628 left noenhanced font ',22'
  set label 2 '100,000 records · batch 1 to 1,000 · durability each_commit · memory 256 MiB · seed 5103132997656651 · memory device' at screen 0.016, screen 0.9226 left noenhanced font ',15' textcolor rgb '#555555'
  set label 'wa_total_end' at screen 0.8820, screen 0.8639 left noenhanced font ',15' textcolor rgb '#555555'
  set label 'data' at screen 0.0240, screen 0.1734 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.0240, screen 0.1304 to screen 0.0380, screen 0.1504 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label 'leaf' at screen 0.0460, screen 0.1404 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0974 to screen 0.0380, screen 0.1175 front fillcolor rgb '#56b4e9' fillstyle solid noborder
  set label 'interior' at screen 0.0460, screen 0.1074 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0645 to screen 0.0380, screen 0.0845 front fillcolor rgb '#00395a' fillstyle solid noborder
  set label 'buffer' at screen 0.0460, screen 0.0745 left noenhanced font ',15'
  set label 'log' at screen 0.1390, screen 0.1734 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.1390, screen 0.1304 to screen 0.1530, screen 0.1504 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label 'log' at screen 0.1610, screen 0.1404 left noenhanced font ',15'
  set label 'metadata' at screen 0.2110, screen 0.1734 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.2110, screen 0.1304 to screen 0.2250, screen 0.1504 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label 'superblock' at screen 0.2330, screen 0.1404 left noenhanced font ',15'
  set object rectangle from screen 0.2110, screen 0.0974 to screen 0.2250, screen 0.1175 front fillcolor rgb '#e0a9c8' fillstyle solid noborder
  set label 'space_map' at screen 0.2330, screen 0.1074 left noenhanced font ',15'
  set object rectangle from screen 0.2110, screen 0.0645 to screen 0.2250, screen 0.0845 front fillcolor rgb '#b05a8a' fillstyle solid noborder
  set label 'pending_log' at screen 0.2330, screen 0.0745 left noenhanced font ',15'
  set object rectangle from screen 0.2110, screen 0.0315 to screen 0.2250, screen 0.0516 front fillcolor rgb '#8f4a72' fillstyle solid noborder
  set label 'node_directory' at screen 0.2330, screen 0.0415 left noenhanced font ',15'
  set label 'padding' at screen 0.3780, screen 0.1734 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.3780, screen 0.1304 to screen 0.3920, screen 0.1504 front fillcolor rgb '#bbbbbb' fillstyle solid noborder
  set label 'padding' at screen 0.4000, screen 0.1404 left noenhanced font ',15'
  plot \
    data using (of('leaf') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#0072b2', \
    data using (of('interior') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#56b4e9', \
    data using (of('buffer') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#00395a', \
    data using (of('log') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#d55e00', \
    data using (of('superblock') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#cc79a7', \
    data using (of('space_map') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#e0a9c8', \
    data using (of('pending_log') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#b05a8a', \
    data using (of('node_directory') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#8f4a72', \
    data using (of('padding') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#bbbbbb', \
    data using (column('from') == 0 ? 100 : NaN):(column('position')):(short(column('total'))) with labels left offset char 0.6,0 noenhanced font ',15'
  unset output
}
