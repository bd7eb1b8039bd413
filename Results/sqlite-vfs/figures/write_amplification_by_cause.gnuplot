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
set lmargin at screen 0.2800
set rmargin at screen 0.9600
set tmargin at screen 0.8272
set bmargin at screen 0.4289
set yrange [196:0]
set ytics ('sqlite-counted, load' 29, 'sqlite-unix, load' 75, 'sqlite-counted, overwrite' 121, 'sqlite-unix, overwrite' 167) scale 0
set grid xtics noytics
set key off
of(c) = stringcolumn('cause') eq c
unset logscale x
set xrange [0.0:150.9091601176156]
set xtics ('0' 0.0, '20' 20.0, '40' 40.0, '60' 60.0, '80' 80.0, '100' 100.0, '120' 120.0, '140' 140.0)
set xlabel 'bytes written ÷ logical bytes written' noenhanced

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,492 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,492 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'write_amplification_by_cause.'.kind
  unset label
  unset object
  set label 1 'Bytes written by cause: load, overwrite' at screen 0.016, screen 0.9472 left noenhanced font ',22'
  set label 2 '200,000 records · batch 1,000 · durability at_checkpoints · memory 2.77 MiB · 3 seeds: summed · memory device' at screen 0.016, screen 0.8902 left noenhanced font ',15' textcolor rgb '#555555'
  set label 'data' at screen 0.0240, screen 0.2459 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.0240, screen 0.1850 to screen 0.0380, screen 0.2134 front fillcolor rgb '#009e73' fillstyle solid noborder
  set label 'checkpoint_leaf' at screen 0.0460, screen 0.1992 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.1382 to screen 0.0380, screen 0.1667 front fillcolor rgb '#66c4a8' fillstyle solid noborder
  set label 'checkpoint_interior' at screen 0.0460, screen 0.1524 left noenhanced font ',15'
  set label 'log' at screen 0.2350, screen 0.2459 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.2350, screen 0.1850 to screen 0.2490, screen 0.2134 front fillcolor rgb '#8a6100' fillstyle solid noborder
  set label 'wal_header' at screen 0.2570, screen 0.1992 left noenhanced font ',15'
  set object rectangle from screen 0.2350, screen 0.1382 to screen 0.2490, screen 0.1667 front fillcolor rgb '#f0e442' fillstyle solid noborder
  set label 'wal_frame_header' at screen 0.2570, screen 0.1524 left noenhanced font ',15'
  set object rectangle from screen 0.2350, screen 0.0915 to screen 0.2490, screen 0.1199 front fillcolor rgb '#e69f00' fillstyle solid noborder
  set label 'wal_leaf' at screen 0.2570, screen 0.1057 left noenhanced font ',15'
  set object rectangle from screen 0.2350, screen 0.0447 to screen 0.2490, screen 0.0732 front fillcolor rgb '#f2c14e' fillstyle solid noborder
  set label 'wal_interior' at screen 0.2570, screen 0.0589 left noenhanced font ',15'
  set label 'metadata' at screen 0.4200, screen 0.2459 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.4200, screen 0.1850 to screen 0.4340, screen 0.2134 front fillcolor rgb '#a07cb8' fillstyle solid noborder
  set label 'file_directory' at screen 0.4420, screen 0.1992 left noenhanced font ',15'
  set label 'padding' at screen 0.5870, screen 0.2459 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.5870, screen 0.1850 to screen 0.6010, screen 0.2134 front fillcolor rgb '#bbbbbb' fillstyle solid noborder
  set label 'padding' at screen 0.6090, screen 0.1992 left noenhanced font ',15'
  set label 'no byte written to the counted device' at first 0, first 75 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'no byte written to the counted device' at first 0, first 167 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  plot \
    data using (of('checkpoint_leaf') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#009e73', \
    data using (of('checkpoint_interior') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#66c4a8', \
    data using (of('wal_header') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#8a6100', \
    data using (of('wal_frame_header') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#f0e442', \
    data using (of('wal_leaf') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#e69f00', \
    data using (of('wal_interior') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#f2c14e', \
    data using (of('file_directory') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#a07cb8', \
    data using (of('padding') ? column('from') : NaN):(column('position')):(column('from')):(column('to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#bbbbbb', \
    data using (column('from') == 0 ? column('total') : NaN):(column('position')):(short(column('total'))) with labels left offset char 0.6,0 noenhanced font ',15'
  unset output
}
