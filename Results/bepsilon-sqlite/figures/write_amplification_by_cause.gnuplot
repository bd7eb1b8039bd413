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
set rmargin at screen 0.9600
set tmargin at screen 0.9037
set bmargin at screen 0.2650
set yrange [564:0]
set ytics ('be-256k, load' 29, 'be-1m, load' 75, 'be-4m, load' 121, 'btree-log, load' 167, 'sqlite, load' 213, 'sqlite-unix, load' 259, 'be-256k, overwrite' 305, 'be-1m, overwrite' 351, 'be-4m, overwrite' 397, 'btree-log, overwrite' 443, 'sqlite, overwrite' 489, 'sqlite-unix, overwrite' 535) scale 0
set grid xtics noytics
set key off
of(c) = stringcolumn('cause') eq c
unset logscale x
set xrange [0.0:73.06701224271585]
set xtics ('0' 0.0, '10' 10.0, '20' 20.0, '30' 30.0, '40' 40.0, '50' 50.0, '60' 60.0, '70' 70.0)
set xlabel 'bytes written ÷ logical bytes written' noenhanced

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,883 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,883 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'write_amplification_by_cause.'.kind
  unset label
  unset object
  set label 1 'Bytes written by cause: load, overwrite' at screen 0.016, screen 0.9706 left noenhanced font ',22'
  set label 2 '1,000,000 records · batch 1,000 · durability prefix, at_checkpoints · memory 1 GiB · 3 seeds: summed · memory device' at screen 0.016, screen 0.9388 left noenhanced font ',15' textcolor rgb '#555555'
  set label 'data' at screen 0.0240, screen 0.1631 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.0240, screen 0.1291 to screen 0.0380, screen 0.1450 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label 'leaf' at screen 0.0460, screen 0.1370 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.1031 to screen 0.0380, screen 0.1189 front fillcolor rgb '#56b4e9' fillstyle solid noborder
  set label 'interior' at screen 0.0460, screen 0.1110 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0770 to screen 0.0380, screen 0.0929 front fillcolor rgb '#00395a' fillstyle solid noborder
  set label 'buffer' at screen 0.0460, screen 0.0849 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0510 to screen 0.0380, screen 0.0668 front fillcolor rgb '#7f9fc8' fillstyle solid noborder
  set label 'basement' at screen 0.0460, screen 0.0589 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0249 to screen 0.0380, screen 0.0408 front fillcolor rgb '#009e73' fillstyle solid noborder
  set label 'checkpoint_leaf' at screen 0.0460, screen 0.0328 left noenhanced font ',15'
  set object rectangle from screen 0.2000, screen 0.1291 to screen 0.2140, screen 0.1450 front fillcolor rgb '#66c4a8' fillstyle solid noborder
  set label 'checkpoint_interior' at screen 0.2220, screen 0.1370 left noenhanced font ',15'
  set label 'log' at screen 0.4110, screen 0.1631 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.4110, screen 0.1291 to screen 0.4250, screen 0.1450 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label 'log' at screen 0.4330, screen 0.1370 left noenhanced font ',15'
  set object rectangle from screen 0.4110, screen 0.1031 to screen 0.4250, screen 0.1189 front fillcolor rgb '#8a6100' fillstyle solid noborder
  set label 'wal_header' at screen 0.4330, screen 0.1110 left noenhanced font ',15'
  set object rectangle from screen 0.4110, screen 0.0770 to screen 0.4250, screen 0.0929 front fillcolor rgb '#f0e442' fillstyle solid noborder
  set label 'wal_frame_header' at screen 0.4330, screen 0.0849 left noenhanced font ',15'
  set object rectangle from screen 0.4110, screen 0.0510 to screen 0.4250, screen 0.0668 front fillcolor rgb '#e69f00' fillstyle solid noborder
  set label 'wal_leaf' at screen 0.4330, screen 0.0589 left noenhanced font ',15'
  set object rectangle from screen 0.4110, screen 0.0249 to screen 0.4250, screen 0.0408 front fillcolor rgb '#f2c14e' fillstyle solid noborder
  set label 'wal_interior' at screen 0.4330, screen 0.0328 left noenhanced font ',15'
  set label 'metadata' at screen 0.5960, screen 0.1631 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.5960, screen 0.1291 to screen 0.6100, screen 0.1450 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label 'superblock' at screen 0.6180, screen 0.1370 left noenhanced font ',15'
  set object rectangle from screen 0.5960, screen 0.1031 to screen 0.6100, screen 0.1189 front fillcolor rgb '#e0a9c8' fillstyle solid noborder
  set label 'space_map' at screen 0.6180, screen 0.1110 left noenhanced font ',15'
  set object rectangle from screen 0.5960, screen 0.0770 to screen 0.6100, screen 0.0929 front fillcolor rgb '#b05a8a' fillstyle solid noborder
  set label 'pending_log' at screen 0.6180, screen 0.0849 left noenhanced font ',15'
  set object rectangle from screen 0.5960, screen 0.0510 to screen 0.6100, screen 0.0668 front fillcolor rgb '#8f4a72' fillstyle solid noborder
  set label 'node_directory' at screen 0.6180, screen 0.0589 left noenhanced font ',15'
  set object rectangle from screen 0.5960, screen 0.0249 to screen 0.6100, screen 0.0408 front fillcolor rgb '#a07cb8' fillstyle solid noborder
  set label 'file_directory' at screen 0.6180, screen 0.0328 left noenhanced font ',15'
  set label 'padding' at screen 0.7630, screen 0.1631 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.7630, screen 0.1291 to screen 0.7770, screen 0.1450 front fillcolor rgb '#bbbbbb' fillstyle solid noborder
  set label 'padding' at screen 0.7850, screen 0.1370 left noenhanced font ',15'
  set label 'no byte written to the counted device' at first 0, first 259 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'no byte written to the counted device' at first 0, first 535 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  plot \
    data using (of('leaf') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#0072b2', \
    data using (of('interior') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#56b4e9', \
    data using (of('buffer') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#00395a', \
    data using (of('basement') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#7f9fc8', \
    data using (of('checkpoint_leaf') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#009e73', \
    data using (of('checkpoint_interior') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#66c4a8', \
    data using (of('log') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#d55e00', \
    data using (of('wal_header') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#8a6100', \
    data using (of('wal_frame_header') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#f0e442', \
    data using (of('wal_leaf') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#e69f00', \
    data using (of('wal_interior') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#f2c14e', \
    data using (of('superblock') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#cc79a7', \
    data using (of('space_map') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#e0a9c8', \
    data using (of('pending_log') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#b05a8a', \
    data using (of('node_directory') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#8f4a72', \
    data using (of('file_directory') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#a07cb8', \
    data using (of('padding') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#bbbbbb', \
    data using (column('from') == 0 ? column('total') : NaN):(column('position')):(short(column('total'))) with labels left offset char 0.6,0 noenhanced font ',15'
  unset output
}
