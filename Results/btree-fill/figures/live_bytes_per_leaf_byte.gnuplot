# How full leaves are, by records loaded
# Draw again with: gnuplot live_bytes_per_leaf_byte.gnuplot
# Reads live_bytes_per_leaf_byte.csv, writes live_bytes_per_leaf_byte.svg and live_bytes_per_leaf_byte.png.

data = 'live_bytes_per_leaf_byte.csv'
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
set lmargin at screen 0.1040
set rmargin at screen 0.5890
set tmargin at screen 0.8398
set bmargin at screen 0.1400
set key off
is(s) = stringcolumn('line') eq s
set logscale x 10
set xrange [14745.6:576716.8]
set xtics ('16 Ki' 16384.0, '32 Ki' 32768.0, '64 Ki' 65536.0, '128 Ki' 131072.0, '256 Ki' 262144.0, '512 Ki' 524288.0)
set xlabel 'records, log scale' noenhanced
unset logscale y
set yrange [0.0:1.05068359375]
set ytics ('0.0' 0.0, '0.2' 0.2, '0.4' 0.4, '0.6' 0.6000000000000001, '0.8' 0.8, '1.0' 1.0)
set ylabel 'Live logical bytes ÷ leaf used bytes' noenhanced
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,543 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,543 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'live_bytes_per_leaf_byte.'.kind
  unset label
  unset object
  set label 1 'How full leaves are, by records loaded' at screen 0.016, screen 0.9521 left noenhanced font ',22'
  set label 2 'batch 100 · durability prefix · memory 256 MiB · seed 5103132997656651 · memory device' at screen 0.016, screen 0.9006 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.6070, screen 0.8140 to screen 0.6290, screen 0.8214 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label '' at screen 0.6180, screen 0.8177 front point pointtype 7 pointsize 1.1 linecolor rgb '#d55e00'
  set label 'btree order sequential: 0.983' at screen 0.6370, screen 0.8177 left noenhanced font ',16'
  set object rectangle from screen 0.6070, screen 0.7698 to screen 0.6290, screen 0.7772 front fillcolor rgb '#753400' fillstyle solid noborder
  set label '' at screen 0.6180, screen 0.7735 front point pointtype 7 pointsize 1.1 linecolor rgb '#753400'
  set label 'btree-shared order sequential: 0.983' at screen 0.6370, screen 0.7735 left noenhanced font ',16'
  set object rectangle from screen 0.6070, screen 0.7256 to screen 0.6290, screen 0.7330 front fillcolor rgb '#eebf99' fillstyle solid noborder
  set label '' at screen 0.6180, screen 0.7293 front point pointtype 9 pointsize 1.7 linecolor rgb '#eebf99'
  set label 'btree order interleaved: 0.982' at screen 0.6370, screen 0.7293 left noenhanced font ',16'
  set object rectangle from screen 0.6070, screen 0.6814 to screen 0.6290, screen 0.6888 front fillcolor rgb '#c8ae99' fillstyle solid noborder
  set label '' at screen 0.6180, screen 0.6851 front point pointtype 9 pointsize 1.7 linecolor rgb '#c8ae99'
  set label 'btree-shared order interleaved: 0.982' at screen 0.6370, screen 0.6851 left noenhanced font ',16'
  set object rectangle from screen 0.6070, screen 0.6372 to screen 0.6290, screen 0.6446 front fillcolor rgb '#9e714d' fillstyle solid noborder
  set label '' at screen 0.6180, screen 0.6409 front point pointtype 5 pointsize 1.7 linecolor rgb '#9e714d'
  set label 'btree-shared order random: 0.780' at screen 0.6370, screen 0.6409 left noenhanced font ',16'
  set object rectangle from screen 0.6070, screen 0.5930 to screen 0.6290, screen 0.6004 front fillcolor rgb '#e28e4d' fillstyle solid noborder
  set label '' at screen 0.6180, screen 0.5967 front point pointtype 5 pointsize 1.7 linecolor rgb '#e28e4d'
  set label 'btree order random: 0.687' at screen 0.6370, screen 0.5967 left noenhanced font ',16'
  set object rectangle from screen 0.6070, screen 0.5488 to screen 0.6160, screen 0.5562 front fillcolor rgb '#444444' fillstyle solid noborder
  set object rectangle from screen 0.6200, screen 0.5488 to screen 0.6290, screen 0.5562 front fillcolor rgb '#444444' fillstyle solid noborder
  set label 'model b_tree_leaf_fill' at screen 0.6370, screen 0.5525 left noenhanced font ',16'
  plot \
    data using (is('btree phase_load_order=sequential') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#d55e00', \
    data using (is('btree phase_load_order=sequential') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#d55e00', \
    data using (is('btree phase_load_order=random') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#e28e4d', \
    data using (is('btree phase_load_order=random') ? column('x') : NaN):(column('median')) with linespoints pointtype 5 pointsize 1.7 linewidth 2.2 linecolor rgb '#e28e4d', \
    data using (is('btree phase_load_order=interleaved') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#eebf99', \
    data using (is('btree phase_load_order=interleaved') ? column('x') : NaN):(column('median')) with linespoints pointtype 9 pointsize 1.7 linewidth 2.2 linecolor rgb '#eebf99', \
    data using (is('btree-shared phase_load_order=sequential') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#753400', \
    data using (is('btree-shared phase_load_order=random') ? column('x') : NaN):(column('median')) with linespoints pointtype 5 pointsize 1.7 linewidth 2.2 linecolor rgb '#9e714d', \
    data using (is('btree-shared phase_load_order=interleaved') ? column('x') : NaN):(column('median')) with linespoints pointtype 9 pointsize 1.7 linewidth 2.2 linecolor rgb '#c8ae99'
  unset output
}
