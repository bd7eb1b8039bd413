# Bytes written by cause: load, overwrite
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
set lmargin at screen 0.2500
set rmargin at screen 0.8700
set tmargin at screen 0.8818
set bmargin at screen 0.2586
set yrange [564:0]
set ytics ('be-256k, load' 29, 'be-1m, load' 75, 'be-4m, load' 121, 'btree-log, load' 167, 'sqlite, load' 213, 'sqlite-unix, load' 259, 'be-256k, overwrite' 305, 'be-1m, overwrite' 351, 'be-4m, overwrite' 397, 'btree-log, overwrite' 443, 'sqlite, overwrite' 489, 'sqlite-unix, overwrite' 535) scale 0
set grid xtics noytics
set key off
of(c) = stringcolumn('cause') eq c
set xrange [0:100]
set xtics ('0 %%' 0, '25 %%' 25, '50 %%' 50, '75 %%' 75, '100 %%' 100)
set xlabel 'share of the bytes written by each engine' noenhanced

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,905 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,905 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'write_amplification_by_cause.'.kind
  unset label
  unset object
  set label 1 'Bytes written by cause: load, overwrite' at screen 0.016, screen 0.9713 left noenhanced font ',22'
  set label 2 '5,000,000 records · batch 1,000 · durability prefix, at_checkpoints · memory 2 GiB · 3 seeds: summed · memory device' at screen 0.016, screen 0.9403 left noenhanced font ',15' textcolor rgb '#555555'
  set label 'wa_total_end' at screen 0.8820, screen 0.8950 left noenhanced font ',15' textcolor rgb '#555555'
  set label 'data' at screen 0.0240, screen 0.1591 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.0240, screen 0.1260 to screen 0.0380, screen 0.1414 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label 'leaf' at screen 0.0460, screen 0.1337 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.1006 to screen 0.0380, screen 0.1160 front fillcolor rgb '#56b4e9' fillstyle solid noborder
  set label 'interior' at screen 0.0460, screen 0.1083 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0751 to screen 0.0380, screen 0.0906 front fillcolor rgb '#00395a' fillstyle solid noborder
  set label 'buffer' at screen 0.0460, screen 0.0829 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0497 to screen 0.0380, screen 0.0652 front fillcolor rgb '#7f9fc8' fillstyle solid noborder
  set label 'basement' at screen 0.0460, screen 0.0575 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0243 to screen 0.0380, screen 0.0398 front fillcolor rgb '#009e73' fillstyle solid noborder
  set label 'checkpoint_leaf' at screen 0.0460, screen 0.0320 left noenhanced font ',15'
  set object rectangle from screen 0.2000, screen 0.1260 to screen 0.2140, screen 0.1414 front fillcolor rgb '#66c4a8' fillstyle solid noborder
  set label 'checkpoint_interior' at screen 0.2220, screen 0.1337 left noenhanced font ',15'
  set label 'log' at screen 0.4110, screen 0.1591 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.4110, screen 0.1260 to screen 0.4250, screen 0.1414 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label 'log' at screen 0.4330, screen 0.1337 left noenhanced font ',15'
  set object rectangle from screen 0.4110, screen 0.1006 to screen 0.4250, screen 0.1160 front fillcolor rgb '#8a6100' fillstyle solid noborder
  set label 'wal_header' at screen 0.4330, screen 0.1083 left noenhanced font ',15'
  set object rectangle from screen 0.4110, screen 0.0751 to screen 0.4250, screen 0.0906 front fillcolor rgb '#f0e442' fillstyle solid noborder
  set label 'wal_frame_header' at screen 0.4330, screen 0.0829 left noenhanced font ',15'
  set object rectangle from screen 0.4110, screen 0.0497 to screen 0.4250, screen 0.0652 front fillcolor rgb '#e69f00' fillstyle solid noborder
  set label 'wal_leaf' at screen 0.4330, screen 0.0575 left noenhanced font ',15'
  set object rectangle from screen 0.4110, screen 0.0243 to screen 0.4250, screen 0.0398 front fillcolor rgb '#f2c14e' fillstyle solid noborder
  set label 'wal_interior' at screen 0.4330, screen 0.0320 left noenhanced font ',15'
  set label 'metadata' at screen 0.5960, screen 0.1591 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.5960, screen 0.1260 to screen 0.6100, screen 0.1414 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label 'superblock' at screen 0.6180, screen 0.1337 left noenhanced font ',15'
  set object rectangle from screen 0.5960, screen 0.1006 to screen 0.6100, screen 0.1160 front fillcolor rgb '#e0a9c8' fillstyle solid noborder
  set label 'space_map' at screen 0.6180, screen 0.1083 left noenhanced font ',15'
  set object rectangle from screen 0.5960, screen 0.0751 to screen 0.6100, screen 0.0906 front fillcolor rgb '#b05a8a' fillstyle solid noborder
  set label 'pending_log' at screen 0.6180, screen 0.0829 left noenhanced font ',15'
  set object rectangle from screen 0.5960, screen 0.0497 to screen 0.6100, screen 0.0652 front fillcolor rgb '#8f4a72' fillstyle solid noborder
  set label 'node_directory' at screen 0.6180, screen 0.0575 left noenhanced font ',15'
  set object rectangle from screen 0.5960, screen 0.0243 to screen 0.6100, screen 0.0398 front fillcolor rgb '#a07cb8' fillstyle solid noborder
  set label 'file_directory' at screen 0.6180, screen 0.0320 left noenhanced font ',15'
  set label 'padding' at screen 0.7630, screen 0.1591 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.7630, screen 0.1260 to screen 0.7770, screen 0.1414 front fillcolor rgb '#bbbbbb' fillstyle solid noborder
  set label 'padding' at screen 0.7850, screen 0.1337 left noenhanced font ',15'
  set label 'no byte written to the counted device' at first 0, first 259 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'no byte written to the counted device' at first 0, first 535 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  plot \
    data using (of('leaf') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#0072b2', \
    data using (of('interior') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#56b4e9', \
    data using (of('buffer') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#00395a', \
    data using (of('basement') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#7f9fc8', \
    data using (of('checkpoint_leaf') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#009e73', \
    data using (of('checkpoint_interior') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#66c4a8', \
    data using (of('log') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#d55e00', \
    data using (of('wal_header') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#8a6100', \
    data using (of('wal_frame_header') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#f0e442', \
    data using (of('wal_leaf') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#e69f00', \
    data using (of('wal_interior') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#f2c14e', \
    data using (of('superblock') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#cc79a7', \
    data using (of('space_map') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#e0a9c8', \
    data using (of('pending_log') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#b05a8a', \
    data using (of('node_directory') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#8f4a72', \
    data using (of('file_directory') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#a07cb8', \
    data using (of('padding') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#bbbbbb', \
    data using (column('from') == 0 ? 100 : NaN):(column('position')):(short(column('total'))) with labels left offset char 0.6,0 noenhanced font ',15'
  unset output
}
